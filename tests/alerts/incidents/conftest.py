from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender
