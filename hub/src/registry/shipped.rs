//! The model that ships, in the program, so that a hub finds it whatever folder it is started in.

use std::io;
use std::path::Path;

use pilah_models::bundle::{Bundle, BundleError};

const MANIFEST: &[u8] = include_bytes!("../../../models/default/manifest.json");
const BACKBONE: &[u8] = include_bytes!("../../../models/default/backbone.onnx");
const HEAD: &[u8] = include_bytes!("../../../models/default/head.onnx");

/// The model that ships.
///
/// # Errors
/// This program was built from files that are not of one bundle.
pub fn bundle() -> Result<Bundle, BundleError> {
    Bundle::from_parts(MANIFEST.to_vec(), BACKBONE.to_vec(), HEAD.to_vec())
}

/// Writes it as a folder, for programs that read one.
///
/// # Errors
/// The operating system's, or as [`bundle`].
pub fn write(folder: &Path) -> io::Result<()> {
    bundle().map_err(io::Error::other)?.write(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::fixture::Hub;

    #[tokio::test]
    async fn a_hub_begins_with_it_and_never_goes_back_to_it() {
        let hub = Hub::open(None).await;
        let registry = &hub.parts.registry;
        let version = || registry.in_service().map(|model| model.manifest().version.to_string());
        assert_eq!(version(), None);
        registry.begin_with_shipped().await.expect("it loads, and gives its golden outputs");
        let shipped = bundle().expect("is whole").manifest().version.to_string();
        assert_eq!(version().as_deref(), Some(shipped.as_str()));

        let other = Hub::open(Some(&pilah_models::labels::Labels::waste())).await;
        other.parts.registry.begin_with_shipped().await.expect("there is nothing to do");
        let kept = other.parts.registry.in_service().map(|model| model.manifest().version.to_string());
        assert_eq!(kept.as_deref(), Some("m1"));
        let folder = hub.path().join("shipped");
        write(&folder).expect("writes");
        assert_eq!(Bundle::read(&folder).expect("reads").manifest().version.to_string(), shipped);
    }
}
