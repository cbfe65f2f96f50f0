-- wrk: each request creates an order, with ids from the script's first argument on, and with the tax that is its second.
local id, tax = 0, ''
function init(arguments)
  id = tonumber(arguments[1])
  if arguments[2] then tax = '"tax":' .. arguments[2] .. ',' end
end
function request()
  id = id + 1
  return wrk.format("POST", nil, nil, '{"order_id":' .. id .. ',"product_id":12,"quantity":2,"amount":56.0,' ..
    '"shipping":15.0,' .. tax .. '"shipping_address":"Mataderos 2312"}')
end
