-- A step is never edited once it has been applied somewhere: the next change is the next file.
-- A step may be cut off half-way (DDL commits by itself), so it must be fit to run twice: IF NOT EXISTS.
CREATE TABLE IF NOT EXISTS orders (
    order_id         INT          NOT NULL PRIMARY KEY,  -- given by the client
    product_id       INT          NOT NULL,
    quantity         INT          NOT NULL,
    amount           DECIMAL(10, 2) NOT NULL,            -- money is exact to the cent; FLOAT would round 16777217.01
    shipping         DECIMAL(10, 2) NOT NULL,
    tax              DECIMAL(10, 2) NOT NULL,
    shipping_address VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;         -- utf8mb4: all of Unicode; MySQL's 'utf8' has no emoji
