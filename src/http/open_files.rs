//! Open files: each connection is one, and most systems give a program 1,024 unless it asks for more.

/// Asks the system for as many open files as this process may have. How many it has then, where the system tells.
#[cfg(target_os = "linux")]
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current
}

/// Asks for nothing: it is the operator's.
#[cfg(not(target_os = "linux"))]
pub fn raise_open_files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_gets_all_it_may_have() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let Some(most) = maximum else { return };
        setrlimit(Resource::Nofile, Rlimit { current: Some(most - 1), maximum }).unwrap();
        assert_eq!(super::raise_open_files(), Some(most));
    }
}
