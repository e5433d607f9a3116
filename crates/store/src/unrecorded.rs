//! What was decided about acts that cannot be recorded.

use domain::unrecorded::Class;

use crate::error::Result;
use crate::{Store, WriteTx};

impl Store {
    /// For which classes it was decided, and whether they go on without a record.
    ///
    /// # Errors
    /// Any store error.
    pub async fn unrecorded(&self) -> Result<Vec<(Class, bool)>> {
        let rows = self.query("SELECT class, goes_on FROM unrecorded ORDER BY class", Vec::new()).await?;
        let mut decided = Vec::new();
        for row in &rows {
            // A class of a newer version is none of ours.
            if let Some(class) = Class::parse(&row.try_get_by_index::<String>(0)?) {
                decided.push((class, row.try_get_by_index::<i64>(1)? != 0));
            }
        }
        Ok(decided)
    }
}

impl WriteTx {
    /// Decides for a class.
    ///
    /// # Errors
    /// Any store error.
    pub async fn unrecorded_set(&mut self, class: Class, goes_on: bool) -> Result<()> {
        let sql = "INSERT INTO unrecorded (class, goes_on) VALUES ($1, $2) \
                   ON CONFLICT (class) DO UPDATE SET goes_on = excluded.goes_on";
        self.execute(sql, vec![class.code().into(), i64::from(goes_on).into()]).await?;
        Ok(())
    }
}
