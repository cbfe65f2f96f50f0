//! Reads a row column by column, as many as there are: the driver's tuples end at twelve.

use anyhow::anyhow;
use mysql_async::{Row, prelude::FromValue};

use crate::error::Error;

/// The columns of a row that have not been read yet.
pub struct Columns {
    row: Row,
    next: usize,
}

impl Columns {
    /// Those of this row, all of them.
    pub fn new(row: Row) -> Columns {
        Columns { row, next: 0 }
    }

    /// The next one.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is not there, or no `T`. It names the column and not its value, which belongs in no log.
    pub fn read<T: FromValue>(&mut self) -> Result<T, Error> {
        let place = self.next;
        self.next = place.saturating_add(1);
        let value = self.row.take_opt(place).and_then(Result::ok);
        value.ok_or_else(|| {
            let columns = self.row.columns_ref();
            let name = columns.get(place).map_or("that is not there".into(), |column| column.name_str());
            Error::Internal(anyhow!("the column {name} of a row does not read"))
        })
    }
}
