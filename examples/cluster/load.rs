//! A load: deeds that begin at their times, whether or not those before them have ended, and how late the generator is.
//! Not for: the deeds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Done;

/// How often it is measured how late a thing is that was to be done at a time.
const MEASURED_EVERY: Duration = Duration::from_millis(20);

/// A load under way. It ends when nobody holds it.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    streams: JoinSet<()>,
    lateness: Arc<Mutex<Vec<Duration>>>,
}

impl Load {
    /// One without deeds.
    pub(crate) fn new() -> Self {
        let mut load =
            Self { stop: watch::channel(false).0, streams: JoinSet::new(), lateness: Arc::default() };
        let lateness = Arc::clone(&load.lateness);
        let mut stopped = load.stop.subscribe();
        load.streams.spawn(async move {
            let mut ticks = interval(MEASURED_EVERY);
            loop {
                tokio::select! {
                    due = ticks.tick() => {
                        let late = Instant::now().saturating_duration_since(due);
                        lateness.lock().unwrap_or_else(PoisonError::into_inner).push(late);
                    }
                    _ = stopped.wait_for(|stop| *stop) => return,
                }
            }
        });
        load
    }

    /// Begins a deed so many times a second; each is told its number.
    pub(crate) fn every<F>(&mut self, per_second: f64, deed: impl Fn(u64) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut stopped = self.stop.subscribe();
        self.streams.spawn(async move {
            let mut ticks = interval(Duration::from_secs_f64(1.0 / per_second));
            // What could not begin in time begins all the same: a generator that skips hides what it is to measure.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let (mut number, mut under_way) = (0, JoinSet::new());
            loop {
                tokio::select! {
                    _ = ticks.tick() => {
                        under_way.spawn(deed(number));
                        number += 1;
                        while under_way.try_join_next().is_some() {}
                    }
                    _ = stopped.wait_for(|stop| *stop) => break,
                }
            }
            while under_way.join_next().await.is_some() {}
        });
    }

    /// Begins nothing more, waits for what is under way, and says how late the generator was.
    pub(crate) async fn stop(mut self) -> Done<Lateness> {
        self.stop.send_replace(true);
        while let Some(ended) = self.streams.join_next().await {
            ended?;
        }
        let mut times = std::mem::take(&mut *self.lateness.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Lateness { p99: percentile(&mut times, 99), most: times.last().copied().unwrap_or_default() })
    }
}

/// How late the generator was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lateness {
    pub(crate) p99: Duration,
    pub(crate) most: Duration,
}

impl std::fmt::Display for Lateness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "generator late by p99 {}, at most {}", millis(self.p99), millis(self.most))
    }
}

/// Sorts times, and gives the one that so many percent do not exceed.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100);
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A time as a report says it.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let mut times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&mut times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&mut [Duration::from_millis(7)], 99), Duration::from_millis(7));
        assert_eq!(percentile(&mut [], 99), Duration::ZERO);
    }

    #[tokio::test]
    async fn begins_deeds_that_others_do_not_keep_waiting() {
        let begun = Arc::new(Mutex::new(0));
        let mut load = Load::new();
        let counted = Arc::clone(&begun);
        let (open, opened) = watch::channel(false);
        load.every(500.0, move |_| {
            let (counted, mut opened) = (Arc::clone(&counted), opened.clone());
            async move {
                *counted.lock().unwrap() += 1;
                let _ = opened.wait_for(|is_open| *is_open).await;
            }
        });
        while *begun.lock().unwrap() < 10 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        open.send_replace(true);
        load.stop().await.unwrap();
    }
}
