//! When the next message is due: so many a second, or at once.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A rate, and how far it has come.
#[derive(Debug)]
pub(super) struct Pacing {
    rate: Option<f64>,
    began: Instant,
    number: u64,
}

impl Pacing {
    /// `rate`: messages a second; none: at once.
    pub(super) fn new(rate: Option<f64>) -> Self {
        let (began, number) = (Instant::now(), 0);
        Self {
            rate,
            began,
            number,
        }
    }

    /// Waits until the next message is due.
    pub(super) async fn next(&mut self) {
        let Some(rate) = self.rate else {
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "2^53 messages are enough")]
        let due = Duration::from_secs_f64(self.number as f64 / rate);
        self.number += 1;
        sleep_until(self.began + due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_are_as_far_apart_as_the_rate_says() {
        let began = Instant::now();
        let mut pacing = Pacing::new(Some(4.0));
        for _ in 0..9 {
            pacing.next().await;
        }
        let took = began.elapsed();
        assert!((2000..2010).contains(&took.as_millis()), "{took:?}");
        Pacing::new(None).next().await;
    }
}
