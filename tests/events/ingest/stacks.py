"""One stack of every dialect, as its runtime prints it, and what it says: oldest cause first, frames caller first.

In the reading a frame is ``place|function|line``; one that is not in-app stands in parentheses.
"""

V8 = """TypeError: Cannot read properties of undefined (reading 'map')
    at renderList (/app/pages/career.js:42:17)
    at async handler (webpack-internal:///(api)/./pages/api/career.js:12:20)
    at Foo.bar [as baz] (/app/(group)/x.js:3:4)
    at new Client (/app/node_modules/openai/index.js:1:2)
    at /app/lib/ai.js:1:2
    at Array.map (<anonymous>)
    at async Promise.all (index 0)
    at eval (eval at <anonymous> (/app/rules.js:7:8), <anonymous>:1:1)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  [cause]: Error [ERR_SOCKET]: socket hang up
      at connect (/app/lib/net.js:9:1)
}"""

V8_READ = """Error: [ERR_SOCKET] socket hang up
  /app/lib/net.js|connect|9
TypeError: Cannot read properties of undefined (reading 'map')
  (node:internal/process/task_queues|process.processTicksAndRejections|95)
  /app/rules.js|eval|7
  (<anonymous>|Promise.all|)
  (<anonymous>|Array.map|)
  /app/lib/ai.js||1
  (/app/node_modules/openai/index.js|new Client|1)
  /app/(group)/x.js|Foo.bar|3
  webpack-internal:///(api)/./pages/api/career.js|handler|12
  /app/pages/career.js|renderList|42"""

NODE_CRASH = """/app/server.js:3
    throw new RangeError('Invalid count')
    ^

RangeError: Invalid count
second line
    at start (/app/server.js:3:11)"""

NODE_CRASH_READ = """RangeError: Invalid count
second line
  /app/server.js|start|3"""

FIREFOX = """load@https://lift.example/_next/static/chunks/app-3f2a9c1b.js:10:15
async*@https://lift.example/a.js:1:2
map@[native code]
global code@https://lift.example/:5:1"""

FIREFOX_READ = """?
  https://lift.example/|global code|5
  ([native code]|map|)
  https://lift.example/a.js||1
  https://lift.example/_next/static/chunks/app-3f2a9c1b.js|load|10"""

PYTHON = """Traceback (most recent call last):
  File "/app/db.py", line 10, in connect
    raise KeyError("dsn")
    ^^^^^^^^^^^^^^^^^^^^^
KeyError: 'dsn'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/views.py", line 20, in <module>
    main()
  File "/usr/lib/python3.12/site-packages/django/db/utils.py", line 3, in wrap
    call()
app.errors.Broken: no database
details follow
"""

PYTHON_READ = """KeyError: 'dsn'
  /app/db.py|connect|10
Broken: no database
details follow
  /app/views.py|<module>|20
  (/usr/lib/python3.12/site-packages/django/db/utils.py|wrap|3)"""

PYTHON_CAUSE = """Traceback (most recent call last):
  File "a.py", line 1, in f
ValueError

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 3, in g
RuntimeError: outer"""

PYTHON_CAUSE_READ = """ValueError
  a.py|f|1
RuntimeError: outer
  a.py|g|3"""

PYTHON_GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/app/g.py", line 3, in <module>
  |     raise ExceptionGroup("eg", [ValueError(1), TypeError(2)])
  | ExceptionGroup: eg (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/g.py", line 1, in f
    |     raise ValueError(1)
    | ValueError: 1
    +---------------- 2 ----------------
    | TypeError: 2
    +------------------------------------
"""

PYTHON_GROUP_READ = """ValueError: 1
  /app/g.py|f|1
TypeError: 2
ExceptionGroup: eg (2 sub-exceptions)
  /app/g.py|<module>|3"""

JAVA = """Exception in thread "main" java.lang.IllegalStateException: checkout failed
\tat com.lift.Shop.pay(Shop.java:10)
\tat java.base/java.lang.Thread.run(Thread.java:833)
\tat com.lift.Foo$$Lambda$14/0x0000000800c03000.run(Unknown Source)
\tSuppressed: java.io.IOException: closing
\t\tat com.lift.Pool.close(Pool.java:1)
Caused by: java.sql.SQLException: no connection
\tat org.postgresql.Driver.connect(Driver.java:3)
\tat com.lift.Db.get(Db.kt:5)
\t... 2 more
"""

JAVA_READ = """SQLException: no connection
  com.lift.Db|get|5
  (org.postgresql.Driver|connect|3)
IllegalStateException: checkout failed
  com.lift.Foo$$Lambda$14/0x0000000800c03000|run|
  (java.lang.Thread|run|833)
  com.lift.Shop|pay|10"""

GO = """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x49a2b4]

goroutine 1 [running]:
panic({0x1, 0x2})
\t/usr/local/go/src/runtime/panic.go:884 +0x212
github.com/lift/shop/cart.(*Cart).Add(0xc000, 0x1)
\t/app/internal/cart/cart.go:25 +0x1d
main.main.func1()
\t/app/main.go:10 +0x20
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3285 +0x4b4

goroutine 2 [select]:
main.other()
\t/app/main.go:99
"""

GO_READ = """panic: runtime error: invalid memory address or nil pointer dereference
  (net/http|(*Server).Serve|3285)
  main|main.func1|10
  github.com/lift/shop/cart|(*Cart).Add|25"""

RUBY = """/app/models/user.rb:10:in `find': undefined method `x' for nil (NoMethodError)
\tfrom /app/controllers/users.rb:5:in `block in show'
\tfrom /usr/lib/ruby/gems/3.2.0/gems/rack-2/lib/rack.rb:1:in `call'
/app/db.rb:1:in `open': refused (Db::Error)
\tfrom /app/models/user.rb:2:in `load'
"""

RUBY_READ = """Error: refused
  /app/models/user.rb|load|2
  /app/db.rb|open|1
NoMethodError: undefined method `x' for nil
  (/usr/lib/ruby/gems/3.2.0/gems/rack-2/lib/rack.rb|call|1)
  /app/controllers/users.rb|block in show|5
  /app/models/user.rb|find|10"""

RAILS = """ActiveRecord::RecordNotFound (Couldn't find User with 'id'=5):

app/models/user.rb:10:in 'User#find'
app/controllers/users.rb:5:in 'UsersController#show'
"""

RAILS_READ = """RecordNotFound: Couldn't find User with 'id'=5
  app/controllers/users.rb|UsersController#show|5
  app/models/user.rb|User#find|10"""

PHP = """PHP Fatal error:  Uncaught InvalidArgumentException: bad amount in /app/src/Cart.php:12
Stack trace:
#0 /app/src/Bar.php(34): App\\Cart->add(Object(Item), 'a(b)')
#1 [internal function]: App\\Bar::{closure}(1)
#2 /app/vendor/queue/run.php(3): array_map(Object(Closure))
#3 {main}

Next App\\CheckoutFailed: outer in /app/src/Checkout.php:9
Stack trace:
#0 /app/index.php(1): run()
#1 {main}
  thrown in /app/src/Checkout.php on line 9"""

PHP_READ = """InvalidArgumentException: bad amount
  (/app/vendor/queue/run.php||3)
  ([internal function]|array_map|)
  App\\Bar|{closure}|34
  App\\Cart|add|12
CheckoutFailed: outer
  /app/index.php||1
  /app/src/Checkout.php|run|9"""

DOTNET = """Unhandled exception. System.InvalidOperationException: outer
 ---> System.NullReferenceException: Object reference not set
   at Lift.Orders.Load(String id, Int32[] n) in C:\\src\\Orders.cs:line 12
   at Lift.Orders.<PlaceAsync>d__5.MoveNext()
   --- End of inner exception stack trace ---
   at Lift.Program.<>c.<Main>b__0_1(Object x) in /src/Program.cs:line 3
--- End of stack trace from previous location ---
   at System.Threading.Tasks.Task.Run()
"""

DOTNET_READ = """NullReferenceException: Object reference not set
  Lift.Orders|PlaceAsync|
  Lift.Orders|Load|12
InvalidOperationException: outer
  (System.Threading.Tasks.Task|Run|)
  Lift.Program|Main|3"""

STACKS = {
    "v8": (V8, V8_READ),
    "node crash": (NODE_CRASH, NODE_CRASH_READ),
    "firefox": (FIREFOX, FIREFOX_READ),
    "python": (PYTHON, PYTHON_READ),
    "python cause": (PYTHON_CAUSE, PYTHON_CAUSE_READ),
    "python group": (PYTHON_GROUP, PYTHON_GROUP_READ),
    "java": (JAVA, JAVA_READ),
    "go": (GO, GO_READ),
    "ruby": (RUBY, RUBY_READ),
    "rails": (RAILS, RAILS_READ),
    "php": (PHP, PHP_READ),
    "dotnet": (DOTNET, DOTNET_READ),
}
