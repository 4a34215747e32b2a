-- POSTs from a file: wrk ... -s post.lua URL -- FILE [DELAY_MS]
-- A file that ends in .lines holds one body a line, sent in turn; any other is one body, sent again and again.
-- With a delay each connection pauses so long, give or take half of it, before its next request.
local pause, requests, number = 0, {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local content = file:read("*a")
  file:close()
  local headers = { ["Content-Type"] = "application/json" }
  if args[1]:match("%.lines$") then
    for line in content:gmatch("[^\n]+") do
      requests[#requests + 1] = wrk.format("POST", nil, headers, line)
    end
  else
    requests[1] = wrk.format("POST", nil, headers, content)
  end
  pause = tonumber(args[2] or "0")
end

function request()
  number = number % #requests + 1
  return requests[number]
end

function delay()
  return pause == 0 and 0 or math.random(math.floor(pause * 0.5), math.ceil(pause * 1.5))
end

-- Plain numbers for the script that reads them.
function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
