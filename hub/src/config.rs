//! What a hub is started with.
//!
//! It is made of the options of the stages, each a type of that stage, which is given its own part and nothing
//! else: no stage names the whole.
//!
//! Secrets do not come from the command line, which every user of a machine can read: they come from
//! files or the environment, and have no `Debug`.

/// Where map pictures come from.
mod map;

use std::net::SocketAddr;
use std::path::PathBuf;

use pilah_evaluate::GateRules;

use crate::address::Site;
use crate::broker::Mqtt;
use crate::door::DoorConfig;
use crate::review::ReviewConfig;
use crate::secret::Secret;
use crate::updates::UpdatesConfig;
pub use map::{MapTiles, MapTilesError};

/// What `pilah-hub serve` is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where HTTP is served; port 0 takes a free one.
    pub http: SocketAddr,
    /// How often to try the next port when the one of `http` is taken. 0: that is an error.
    pub http_steps: u16,
    /// Where people open the hub, and which proxies are believed.
    pub site: Site,
    /// How long connections may say nothing, and how many there may be.
    pub door: DoorConfig,
    /// The broker.
    pub mqtt: Mqtt,
    /// The bundle that is put in service at the first start; the one in the program, if left out.
    pub bundle: Option<PathBuf>,
    /// Samples of bins that nobody has labelled are deleted after so many days; `None` keeps them.
    pub keep_unlabelled_days: Option<u32>,
    /// Entries of the audit log are deleted after so many days; `None` keeps them.
    pub keep_audit_days: Option<u32>,
    /// What a model must be to go into service.
    pub gate: GateRules,
    /// Where the page gets map pictures; without, maps are drawn without.
    pub map_tiles: Option<MapTiles>,
    /// Says on the page that items and bins are not real ones.
    pub demo: bool,
    /// Whether this process runs trainings itself; if not, `pilah-hub worker` processes do.
    pub trains: bool,
    /// The share of wrong items in a compartment that trainings aim at unless they are told another, above
    /// 0, at most 1; see `train::TrainParams`.
    pub accepted_contamination: f32,
    /// The administrator's password at the first start; drawn at random if there is none.
    pub admin_password: Option<Secret>,
    /// How reviews are given out.
    pub review: ReviewConfig,
    /// How updates are signed and served.
    pub updates: UpdatesConfig,
}

impl Config {
    /// A hub on this machine alone, on free ports: for tests and the demo.
    #[must_use]
    pub fn local(data: PathBuf, bundle: PathBuf) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            data,
            http: free,
            http_steps: 0,
            site: Site::default(),
            door: DoorConfig::default(),
            mqtt: Mqtt::Embedded { addr: free, steps: 0 },
            bundle: Some(bundle),
            keep_unlabelled_days: None,
            keep_audit_days: None,
            gate: GateRules::default(),
            map_tiles: None,
            demo: false,
            trains: true,
            accepted_contamination: crate::train::ACCEPTED_CONTAMINATION,
            admin_password: None,
            review: ReviewConfig::default(),
            updates: UpdatesConfig::default(),
        }
    }
}
