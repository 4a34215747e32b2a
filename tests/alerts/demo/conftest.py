from tests.events.demo.conftest import server as server
