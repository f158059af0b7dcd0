//! Which of several servers is to be believed: one whose standby took its place is not, although it takes writes again.
//! Not for: standbys, which say themselves what they are (`session.rs`).

use std::sync::{Mutex, PoisonError};

use tokio_postgres::{Client, SimpleQueryMessage};

/// Asks which installation a server is of, and on which line of its history it writes: a number that grows whenever a standby
/// takes over. A standby writes on none.
const ASK: &str = "SELECT system_identifier::text AS installation,
        CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS line
    FROM pg_control_system();";

/// The newest line of history that any server was on, for each installation that was met.
#[derive(Default)]
pub(super) struct Newest(Mutex<Vec<(String, u32)>>);

impl Newest {
    /// Asks a server on which line it is, if that is to be believed. One that does not say, since it is a standby, or no
    /// PostgreSQL to the last, is on line 0: standbys are judged by what is asked of them.
    pub(super) async fn line_of(&self, client: &Client) -> Option<u32> {
        let answers = match client.simple_query(ASK).await {
            Ok(answers) => answers,
            Err(error) => return error.as_db_error().map(|_| 0),
        };
        match (said(&answers, "installation"), said(&answers, "line")) {
            (Some(installation), Some(line)) => {
                let line = u32::from_str_radix(line, 16).ok()?;
                self.learn(installation, line).then_some(line)
            }
            _ => Some(0),
        }
    }

    fn learn(&self, installation: &str, line: u32) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, newest)) = known.iter_mut().find(|(name, _)| name == installation) {
            *newest = line.max(*newest);
            return line == *newest;
        }
        known.push((installation.to_owned(), line));
        true
    }
}

/// What is in a column of the first row that has it.
pub(super) fn said<'answers>(answers: &'answers [SimpleQueryMessage], column: &str) -> Option<&'answers str> {
    answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.try_get(column).ok().flatten(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_was_replaced_is_not_believed_again() {
        let newest = Newest::default();
        assert!(newest.learn("one", 1) && newest.learn("one", 1));
        assert!(newest.learn("one", 2) && !newest.learn("one", 1));
        assert!(newest.learn("one", 17) && newest.learn("one", 17));
        // Another installation, such as after a dump was read in, has a history of its own.
        assert!(newest.learn("two", 1) && !newest.learn("one", 16));
    }
}
