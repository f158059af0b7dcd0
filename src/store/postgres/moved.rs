//! The mark of a store that must not be changed any more.
//! Not for: refusing changes, which a trigger of the database does.

use super::error::Trouble;
use super::row::{self, values};
use super::session::Session;
use crate::store::copy::{Direction, Mark};

/// The mark, if there is one.
pub(super) async fn find(session: &Session) -> Result<Option<Mark>, Trouble> {
    let sql = "SELECT at, direction, place FROM moved";
    let found = session.rows(sql, values![], |row| {
        Ok(Mark {
            at: row::time(row, "at")?,
            direction: row::checked(row, "direction", Direction::parse)?,
            place: row::get(row, "place")?,
        })
    });
    Ok(found.await?.pop())
}

/// Puts a mark in place of whichever is there, or takes it away, and wakes those who follow.
pub(super) async fn set(session: &Session, mark: Option<Mark>) -> Result<(), Trouble> {
    session.execute("DELETE FROM moved", values![]).await?;
    if let Some(mark) = mark {
        let sql = "INSERT INTO moved (only_one, at, direction, place) VALUES (1, $1, $2, $3)";
        let values = values![mark.at.as_millis(), mark.direction.as_str(), mark.place];
        session.execute(sql, values).await?;
    }
    session.rows("SELECT pg_notify('chancery', 'moved')", values![], |_| Ok(())).await.map(|_| ())
}
