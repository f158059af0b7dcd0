//! A file that is appended to and, when it is large, makes way for a new one: `issuance.log`, then `issuance.log.1`, ….
//! Not for: what stands in it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::writer::Output;

/// A file with older ones beside it, open for one server alone.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    /// Longest length, in bytes. A longer line has a file of its own.
    rotate_at: u64,
    /// How many older files there are at most.
    keep: usize,
    /// `None` after a failure: it is opened anew, since it may have been removed.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// In bytes.
    length: u64,
}

impl RotatingFile {
    /// Opens the file, or makes it with mode 0600. It makes way for a new one before it would be longer than `rotate_at`
    /// bytes, and `keep` older ones stay.
    ///
    /// # Errors
    /// When it cannot be opened, or another process writes it.
    pub fn open(path: &Path, rotate_at: u64, keep: usize) -> io::Result<Self> {
        let open = Some(Open::at(path)?);
        Ok(Self { path: path.to_owned(), rotate_at, keep, open })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let open = match &mut self.open {
                Some(open) => open,
                closed => closed.insert(Open::at(&self.path)?),
            };
            let fits = whole_lines(rest, self.rotate_at.saturating_sub(open.length));
            let (piece, after) = match fits {
                0 if open.length > 0 => {
                    self.open = None;
                    self.make_way()?;
                    continue;
                }
                0 => rest.split_at_checked(first_line(rest)).unwrap_or((rest, &[])),
                fits => rest.split_at_checked(fits).unwrap_or((rest, &[])),
            };
            open.append(piece)?;
            rest = after;
        }
        Ok(())
    }

    /// Every file gets the next number; the last is replaced by the one before it.
    fn make_way(&self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.numbered(1))
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

impl Output for RotatingFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.append(lines);
        if written.is_err() {
            self.open = None;
        }
        written
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another server writes it: give each server a file of its own",
            ),
            TryLockError::Error(error) => error,
        })?;
        let length = file.metadata()?.len();
        let mut open = Self { file, length };
        // Whoever wrote it before may have been killed in the middle of a line.
        let mut last = [b'\n'];
        if length > 0 && open.file.read_at(&mut last, length - 1)? == 1 && last != [b'\n'] {
            open.append(b"\n")?;
        }
        Ok(open)
    }

    /// Appends all or, as far as the disk lets it, nothing.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length = self.length.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// The length of the whole lines at the beginning of `lines` that are no longer than `room` bytes together.
fn whole_lines(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let within = lines.get(..room).unwrap_or(lines);
    memchr::memrchr(b'\n', within).map_or(0, |end| end + 1)
}

fn first_line(lines: &[u8]) -> usize {
    memchr::memchr(b'\n', lines).map_or(lines.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn read(folder: &TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap_or_default()
    }

    #[test]
    fn rotates_between_lines_and_keeps_so_many() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("stream");
        let mut file = RotatingFile::open(&path, 8, 2).unwrap();
        file.write(b"aaa\nbbb\nccc\n").unwrap();
        assert_eq!(
            (read(&folder, "stream.1"), read(&folder, "stream")),
            ("aaa\nbbb\n".into(), "ccc\n".into())
        );
        file.write(b"longer than all\nd\n").unwrap();
        file.write(b"e\n").unwrap();
        let names = ["stream.3", "stream.2", "stream.1", "stream"];
        assert_eq!(names.map(|name| read(&folder, name)), ["", "ccc\n", "longer than all\n", "d\ne\n"]);
        for name in &names[1..] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn goes_on_where_it_was_and_mends_a_torn_line() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("stream");
        RotatingFile::open(&path, 100, 1).unwrap().write(b"a\n").unwrap();
        fs::write(&path, "a\ntorn").unwrap();
        let mut file = RotatingFile::open(&path, 100, 1).unwrap();
        file.write(b"b\n").unwrap();
        assert_eq!(read(&folder, "stream"), "a\ntorn\nb\n");
        assert!(RotatingFile::open(&path, 100, 1).unwrap_err().to_string().contains("another server"));
    }

    #[test]
    fn comes_back_when_the_disk_does() {
        let folder = TempDir::new().unwrap();
        let (inner, path) = (folder.path().join("inner"), folder.path().join("inner/stream"));
        fs::create_dir(&inner).unwrap();
        let mut file = RotatingFile::open(&path, 4, 1).unwrap();
        file.write(b"a\n").unwrap();
        fs::rename(&inner, folder.path().join("away")).unwrap();
        assert!(file.write(b"bbb\n").is_err() && file.write(b"c\n").is_err());
        fs::rename(folder.path().join("away"), &inner).unwrap();
        file.write(b"d\n").unwrap();
        assert_eq!(read(&folder, "inner/stream"), "a\nd\n");
    }
}
