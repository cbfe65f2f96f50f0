-- wrk: each request creates an order, with ids from the script's argument on.
local id = 0
function init(arguments) id = tonumber(arguments[1]) end
function request()
  id = id + 1
  return wrk.format("POST", nil, nil, '{"order_id":' .. id .. ',"product_id":12,"quantity":2,"amount":56.0,' ..
    '"shipping":15.0,"tax":2.0,"shipping_address":"Mataderos 2312"}')
end
