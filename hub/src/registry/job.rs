//! Follows the database: when a command or a worker beside the hub puts another version into service, the
//! hub loads it and tells the bins, within seconds and without a restart.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Registry;
use crate::error::Chain;

/// How often it looks: one row of an indexed key.
const PERIOD: Duration = Duration::from_secs(2);

impl Registry {
    /// Follows the database until `shutdown`.
    pub fn follow(&self, shutdown: CancellationToken) {
        let registry = self.clone();
        tokio::spawn(async move {
            let mut period = tokio::time::interval(PERIOD);
            period.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failed = None::<String>;
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    _ = period.tick() => {}
                }
                let problem = registry.refresh().await.err().map(|error| Chain(&error).to_string());
                // Told once, not every two seconds.
                if let (Some(error), true) = (&problem, problem != failed) {
                    tracing::error!(error, "the model that is to be in service is not loaded; it is tried again");
                }
                failed = problem;
            }
        });
    }
}
