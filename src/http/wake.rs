//! Polls the parts of a task when they were woken, and not whenever the task is.
//! Not for: what those parts are (`course.rs`).

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// One part of a task, which is polled for the first time without being woken.
#[derive(Default)]
pub(super) struct Part(Option<Hearing>);

/// How a part hears that it was woken.
struct Hearing {
    bell: Arc<Bell>,
    /// The same, for whoever wakes it.
    waker: Waker,
}

/// What rings when a part is woken.
struct Bell {
    has_rung: AtomicBool,
    task: Waker,
}

thread_local! {
    /// What has rung while whoever polls on this thread wanted to know first.
    static HUSHED: RefCell<Hushed> = const { RefCell::new(Hushed::No) };
}

enum Hushed {
    No,
    Silent,
    Rang(Arc<Bell>),
}

/// A part was woken, and its task was not told.
pub(super) struct Rang(Arc<Bell>);

impl Part {
    /// Polls it if it was woken.
    pub(super) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let task = context.waker();
        // A task is polled by the same waker all its life, as far as anybody has seen; whoever is not, is polled anew.
        let hearing = match self.0.take().filter(|hearing| hearing.bell.task.will_wake(task)) {
            Some(hearing) => self.0.insert(hearing),
            None => self.0.insert(Hearing::of(task)),
        };
        if hearing.bell.has_rung() { poll(&mut Context::from_waker(&hearing.waker)) } else { Poll::Pending }
    }
}

impl Hearing {
    fn of(task: &Waker) -> Self {
        let bell = Arc::new(Bell { has_rung: AtomicBool::new(true), task: task.clone() });
        let waker = Waker::from(Arc::clone(&bell));
        Self { bell, waker }
    }
}

impl Bell {
    /// Whether it has rung since the last time.
    fn has_rung(&self) -> bool {
        self.has_rung.load(Ordering::Acquire) && self.has_rung.swap(false, Ordering::AcqRel)
    }

    /// Once is enough until it is polled.
    fn ring(&self) {
        if !self.has_rung.swap(true, Ordering::AcqRel) {
            self.task.wake_by_ref();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut bell = Some(self);
        // A thread that ends hushes nothing.
        let _ = HUSHED.try_with(|hushed| {
            let mut hushed = hushed.borrow_mut();
            if matches!(*hushed, Hushed::Silent)
                && let Some(bell) = bell.take()
            {
                *hushed = Hushed::Rang(bell);
            }
        });
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Arc::clone(self).wake();
    }
}

/// Does something on this thread that may wake a part, and says whether it did: whoever knows that it was for nothing may leave
/// it at that. Of several parts the first alone waits for that.
pub(super) fn hushed<T>(deed: impl FnOnce() -> T) -> (T, Option<Rang>) {
    let mut hush = Hush::new();
    let done = deed();
    (done, hush.over().map(Rang))
}

/// This thread hushes until it is over; then all is as it was before, which is kept here.
struct Hush(Option<Hushed>);

impl Hush {
    fn new() -> Self {
        Self(Some(HUSHED.replace(Hushed::Silent)))
    }

    /// Hushes no more; what has rung meanwhile, if it was not over before.
    fn over(&mut self) -> Option<Arc<Bell>> {
        match HUSHED.replace(self.0.take()?) {
            Hushed::Rang(bell) => Some(bell),
            Hushed::No | Hushed::Silent => None,
        }
    }
}

/// Also when the deed panics: then what has rung is told.
impl Drop for Hush {
    fn drop(&mut self) {
        if let Some(bell) = self.over() {
            bell.ring();
        }
    }
}

impl Rang {
    /// Wakes it.
    pub(super) fn tell(self) {
        self.0.ring();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::future::poll_fn;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// A task that counts how often it was woken.
    #[derive(Default)]
    pub(in crate::http) struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }

    impl Task {
        pub(in crate::http) fn woken(&self) -> usize {
            self.0.load(Ordering::Acquire)
        }
    }

    /// Polls a part, which is never ready; the waker it was polled with, if it was.
    fn poll(part: &mut Part, task: &Arc<Task>) -> Option<Waker> {
        let (mut waker, of_task) = (None, Waker::from(Arc::clone(task)));
        let polled = part.poll(&Context::from_waker(&of_task), |context| {
            waker = Some(context.waker().clone());
            Poll::<()>::Pending
        });
        assert!(polled.is_pending());
        waker
    }

    #[test]
    fn a_part_is_polled_at_first_and_then_when_it_was_woken() {
        let (mut part, task) = (Part::default(), Arc::new(Task::default()));
        let waker = poll(&mut part, &task).expect("the first time");
        assert!(poll(&mut part, &task).is_none());
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(task.woken(), 1, "once is enough");
        assert!(poll(&mut part, &task).is_some() && poll(&mut part, &task).is_none());
        waker.wake();
        assert_eq!(task.woken(), 2);
        assert!(poll(&mut part, &task).is_some());
    }

    #[test]
    fn a_part_that_another_task_polls_is_polled_anew() {
        let (mut part, tasks) = (Part::default(), [Arc::new(Task::default()), Arc::new(Task::default())]);
        let former = poll(&mut part, &tasks[0]).unwrap();
        let waker = poll(&mut part, &tasks[1]).expect("its wakers wake the former task");
        former.wake();
        assert!(poll(&mut part, &tasks[1]).is_none());
        waker.wake();
        assert_eq!(tasks.each_ref().map(|task| task.woken()), [1, 1]);
    }

    #[test]
    fn who_hushes_decides_whether_what_has_rung_is_told() {
        let (mut part, task) = (Part::default(), Arc::new(Task::default()));
        let waker = poll(&mut part, &task).unwrap();
        let ((), rang) = hushed(|| waker.wake_by_ref());
        drop(rang.expect("it has rung"));
        assert!(task.woken() == 0 && poll(&mut part, &task).is_none());
        let ((), rang) = hushed(|| waker.wake_by_ref());
        rang.unwrap().tell();
        assert!(task.woken() == 1 && poll(&mut part, &task).is_some());
        assert!(hushed(|| ()).1.is_none());
        let ((), rang) = hushed(|| {
            waker.wake_by_ref();
            drop(hushed(|| waker.wake_by_ref()));
        });
        assert!(rang.is_some() && task.woken() == 1, "each hushes for itself");
        waker.wake_by_ref();
        assert_eq!(task.woken(), 2, "nothing is hushed afterwards");
    }

    #[test]
    fn only_this_thread_and_the_first_part_are_hushed_and_a_panic_tells() {
        let [mut first, mut second] = [Part::default(), Part::default()];
        let [one, two] = [Arc::new(Task::default()), Arc::new(Task::default())];
        let (waker, other) = (poll(&mut first, &one).unwrap(), poll(&mut second, &two).unwrap());
        let ((), rang) = hushed(|| {
            waker.wake_by_ref();
            other.wake_by_ref();
        });
        assert!(rang.is_some() && one.woken() == 0 && two.woken() == 1);
        let elsewhere = waker.clone();
        let ((), rang) = hushed(|| std::thread::spawn(move || elsewhere.wake()).join().unwrap());
        assert!(rang.is_none() && one.woken() == 1);
        assert!(poll(&mut first, &one).is_some());
        let broken = catch_unwind(AssertUnwindSafe(|| {
            hushed(|| {
                waker.wake_by_ref();
                panic!("on purpose");
            })
        }));
        assert!(broken.is_err() && one.woken() == 2);
        waker.wake();
        assert!(poll(&mut first, &one).is_some());
    }

    #[tokio::test]
    async fn a_part_of_a_task_of_the_runtime_is_polled_when_its_time_comes() {
        let (mut part, mut polled) = (Part::default(), 0);
        let mut sleep = Box::pin(tokio::time::sleep(std::time::Duration::from_millis(5)));
        poll_fn(|context| {
            part.poll(context, |context| {
                polled += 1;
                sleep.as_mut().poll(context)
            })
        })
        .await;
        assert_eq!(polled, 2);
    }
}
