//! What serves when the model in service cannot: its file is missing or damaged.
//!
//! The hub starts all the same, for people have to see what is wrong, and bins go on with what they have. In the
//! place of the model goes the newest that was in service before and can be loaded, or else the bundle that the
//! hub was started with, which is the one in this program if it was started without. It is put into service like
//! any other, with the reason in the audit log, so that database, predictions and bins agree. If none can be
//! loaded, the hub runs without a model, and looks every other second whether the files are there again.
//!
//! Only a hub that starts does this. A command or a worker beside it changes nothing: it may see less of the
//! files than the hub does.

use std::path::Path;

use pilah_models::bundle::Bundle;
use pilah_models::name::ModelVersion;

use super::{Origin, Registry, RegistryError, shipped, store};
use crate::error::Chain;
use crate::store::BlobError;

/// Whether an error says that a model's own files are missing, deleted or damaged, rather than that the storage
/// failed, which may be over in a moment.
pub(super) fn is_of_the_model(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::Blob(BlobError::Missing(_) | BlobError::Damaged(_))
            | RegistryError::Bundle(_)
            | RegistryError::Load(_)
            | RegistryError::Taken(_)
            | RegistryError::Unknown { .. }
    )
}

impl Registry {
    /// Puts another model into the place of the one in service, if that cannot be loaded, and says so in
    /// [`Registry::notice`]. Nothing changes if it is loaded, or if none is in service.
    ///
    /// `initial` is the folder of the bundle that the hub was started with; without one it is the model that ships.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn fall_back(&self, initial: Option<&Path>) -> Result<(), RegistryError> {
        if self.in_service().is_some() {
            return Ok(());
        }
        let Some(broken) = store::in_service(self.store.db()).await? else { return Ok(()) };
        let why = match self.load(&broken).await {
            Err(error) if is_of_the_model(&error) => format!("{broken} cannot be loaded ({})", Chain(&error)),
            loaded => return loaded,
        };
        let before = store::before(self.store.db(), broken.as_str()).await?;
        for version in &before {
            match self.put_in_service(version, "hub", Some(&why), store::Despite::Any).await {
                Ok(()) => return self.tell_of(&broken, &why, Some(version)),
                Err(error) if is_of_the_model(&error) => tracing::error!(
                    model = version, error = %Chain(&error), "the version before cannot be loaded either"
                ),
                Err(error) => return Err(error),
            }
        }
        let again = match initial.map_or_else(shipped::bundle, Bundle::read) {
            Ok(bundle) => self.adopt_again(&bundle, &why).await,
            Err(error) => Err(error.into()),
        };
        match again {
            Ok(version) => self.tell_of(&broken, &why, Some(version.as_str())),
            Err(error) if is_of_the_model(&error) => {
                tracing::error!(folder = ?initial, error = %Chain(&error), "the bundle to begin with cannot be used");
                self.tell_of(&broken, &why, None)
            }
            Err(error) => Err(error),
        }
    }

    /// The bundle that the hub was started with, whose files may have been lost since it was the first.
    async fn adopt_again(&self, bundle: &Bundle, why: &str) -> Result<ModelVersion, RegistryError> {
        let version = bundle.manifest().version.clone();
        self.restore_files(bundle).await?;
        self.register(bundle, &Origin::default()).await?;
        if store::in_service(self.store.db()).await?.as_ref() == Some(&version) {
            self.load(&version).await?;
        } else {
            self.put_in_service(version.as_str(), "hub", Some(why), store::Despite::Any).await?;
        }
        Ok(version)
    }

    /// Replaces files of a bundle that are damaged: what is stored under a name is not written again.
    async fn restore_files(&self, bundle: &Bundle) -> Result<(), RegistryError> {
        for bytes in [bundle.backbone(), bundle.head(), bundle.manifest_bytes()] {
            let id = pilah_models::name::ContentId::of(bytes);
            if let Err(BlobError::Damaged(_)) = self.blobs.get(&id).await {
                self.blobs.remove(&id).await?;
            }
            self.blobs.put(bytes.to_vec()).await?;
        }
        Ok(())
    }

    fn tell_of(&self, broken: &ModelVersion, why: &str, instead: Option<&str>) -> Result<(), RegistryError> {
        let notice = match instead {
            Some(same) if same == broken.as_str() => {
                format!("{why}; its files were restored from the bundle that ships")
            }
            Some(other) => format!(
                "{why}; {other} is in service instead. Restore the hub's folder objects from the last backup, and put {broken} \
                 into service again"
            ),
            None => format!(
                "{why}, and there is no other model: nothing is classified here until the hub's folder objects is restored from \
                 the last backup, or a model is imported"
            ),
        };
        tracing::error!(notice, "the model in service could not be loaded");
        *self.notice.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(notice);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use pilah_models::labels::Labels;
    use pilah_models::name::ContentId;

    use super::*;
    use crate::registry::fixture::{Hub, untrained};

    fn labels() -> Labels {
        Labels::parse(["glass", "metal", "paper"]).expect("valid")
    }

    /// Models whose heads differ, so that one can be damaged and the others are whole.
    fn another(version: &str, label: &str) -> Bundle {
        untrained(version, &Labels::parse(["glass", label]).expect("valid"))
    }

    fn file(hub: &Hub, bytes: &[u8]) -> PathBuf {
        let id = ContentId::of(bytes);
        let (shelf, name) = id.as_str().split_at(2);
        hub.path().join("data/objects").join(shelf).join(name)
    }

    /// A hub whose versions m1 (the bundle that it began with), m2 and m3 were in service in turn.
    async fn with_three() -> (Hub, [Bundle; 3]) {
        let hub = Hub::open(Some(&labels())).await;
        let bundles = [untrained("m1", &labels()), another("m2", "metal"), another("m3", "paper")];
        for bundle in &bundles[1..] {
            hub.parts.registry.register(bundle, &Origin::default()).await.expect("registers");
            hub.parts.registry.activate(bundle.manifest().version.as_str(), "ada", None).await.expect("activates");
        }
        (hub, bundles)
    }

    /// What a hub does at its start with the bundle of this folder, or without one.
    async fn started(hub: &Hub, initial: Option<&Path>) -> (Option<String>, Option<String>, Registry) {
        let (store, blobs) = (hub.parts.store.clone(), hub.parts.blobs.clone());
        let registry = Registry::open(store, blobs, hub.live.clone(), initial).await.expect("opens all the same");
        if initial.is_none() {
            registry.begin_with_shipped().await.expect("changes nothing");
        }
        registry.fall_back(initial).await.expect("starts all the same");
        let version = registry.in_service().map(|model| model.manifest().version.to_string());
        (version, registry.notice(), registry)
    }

    async fn reopened(hub: &Hub) -> (Option<String>, Option<String>, Registry) {
        started(hub, Some(&hub.path().join("initial"))).await
    }

    #[tokio::test]
    async fn a_damaged_model_gives_way_to_the_one_before() {
        let (hub, [_, m2, m3]) = with_three().await;
        assert_eq!(reopened(&hub).await.1, None, "all is well");
        std::fs::write(file(&hub, m3.manifest_bytes()), b"cut").expect("damages");
        let (version, notice, registry) = reopened(&hub).await;
        assert_eq!(version.as_deref(), Some("m2"));
        let notice = notice.expect("it is told");
        assert!(notice.contains("m3 cannot be loaded") && notice.contains("m2 is in service instead"), "{notice}");
        let desired = registry.changes().borrow().clone().expect("bins are told");
        assert_eq!(desired.version.as_str(), "m2");
        assert_eq!(store::in_service(hub.parts.store.db()).await.expect("reads").expect("one").as_str(), "m2");

        std::fs::write(file(&hub, m3.manifest_bytes()), m3.manifest_bytes()).expect("restores");
        registry.activate("m3", "ada", None).await.expect("it is whole again");
        assert_eq!(registry.notice(), None);

        for bundle in [&m2, &m3] {
            std::fs::remove_file(file(&hub, bundle.manifest_bytes())).expect("is lost");
        }
        assert_eq!(reopened(&hub).await.0.as_deref(), Some("m1"), "the one before that");
    }

    #[tokio::test]
    async fn without_one_before_the_bundle_that_ships_serves() {
        let (hub, bundles) = with_three().await;
        for bundle in &bundles {
            std::fs::remove_file(file(&hub, bundle.manifest_bytes())).expect("is lost");
        }
        std::fs::write(file(&hub, bundles[0].backbone()), b"damaged").expect("damages");
        let (version, notice, _) = reopened(&hub).await;
        assert_eq!(version.as_deref(), Some("m1"));
        assert!(notice.expect("it is told").contains("m1 is in service instead"));
    }

    #[tokio::test]
    async fn without_a_bundle_the_one_before_serves_or_else_the_model_in_the_program() {
        let (hub, [m1, m2, m3]) = with_three().await;
        let shipped = shipped::bundle().expect("is whole");
        let name = shipped.manifest().version.to_string();
        let damage = |bytes: &[u8]| std::fs::write(file(&hub, bytes), b"damaged").expect("damages");

        damage(m3.manifest_bytes());
        let (version, notice, _) = started(&hub, None).await;
        assert_eq!(version.as_deref(), Some("m2"), "not the one that ships");
        assert!(notice.expect("it is told").contains("m2 is in service instead"));

        damage(m1.manifest_bytes());
        damage(m2.manifest_bytes());
        let (version, notice, _) = started(&hub, None).await;
        assert_eq!(version.as_ref(), Some(&name), "none before it is whole");
        assert!(notice.expect("it is told").contains(&format!("{name} is in service instead")));

        damage(shipped.head());
        let (version, notice, registry) = started(&hub, None).await;
        assert_eq!(version.as_ref(), Some(&name), "it mends itself");
        assert!(notice.expect("it is told").contains("restored from the bundle that ships"));
        assert_eq!(started(&hub, None).await.1, None, "at the next start all is well");

        std::fs::write(file(&hub, m2.manifest_bytes()), m2.manifest_bytes()).expect("restores");
        registry.activate("m2", "ada", None).await.expect("it is whole again");
        damage(m2.manifest_bytes());
        damage(shipped.head());
        let (version, notice, _) = started(&hub, None).await;
        assert_eq!(version.as_ref(), Some(&name), "it mends itself as one before, too");
        assert!(notice.expect("it is told").contains(&format!("{name} is in service instead")));
    }

    #[tokio::test]
    async fn a_command_beside_the_hub_changes_nothing() {
        let (hub, [_, _, m3]) = with_three().await;
        std::fs::remove_file(file(&hub, m3.manifest_bytes())).expect("is lost");
        let folder = hub.path().join("initial");
        for initial in [None, Some(folder.as_path())] {
            let (store, blobs) = (hub.parts.store.clone(), hub.parts.blobs.clone());
            let registry = Registry::open(store, blobs, hub.live.clone(), initial).await.expect("opens all the same");
            registry.begin_with_shipped().await.expect("there is nothing to do");
            assert!(registry.in_service().is_none());
            assert_eq!(store::in_service(hub.parts.store.db()).await.expect("reads").expect("one").as_str(), "m3");
        }
    }

    #[tokio::test]
    async fn a_bundle_that_ships_mends_itself() {
        let hub = Hub::open(Some(&labels())).await;
        std::fs::write(file(&hub, untrained("m1", &labels()).head()), b"damaged").expect("damages");
        let (version, notice, _) = reopened(&hub).await;
        assert_eq!(version.as_deref(), Some("m1"));
        assert!(notice.expect("it is told").contains("restored from the bundle that ships"));
        assert_eq!(reopened(&hub).await.1, None, "at the next start all is well");
    }

    #[tokio::test]
    async fn with_nothing_left_the_hub_runs_without_a_model_until_it_is_restored() {
        let (hub, bundles) = with_three().await;
        let manifests: Vec<_> = bundles.iter().map(|bundle| file(&hub, bundle.manifest_bytes())).collect();
        for path in &manifests {
            std::fs::remove_file(path).expect("is lost");
        }
        std::fs::write(hub.path().join("initial/head.onnx"), b"cut").expect("damages");
        let (version, notice, registry) = reopened(&hub).await;
        assert_eq!(version, None);
        assert!(notice.expect("it is told").contains("there is no other model"));

        std::fs::write(&manifests[2], bundles[2].manifest_bytes()).expect("restores");
        registry.refresh().await.expect("it looks again");
        assert_eq!(registry.in_service().map(|model| model.manifest().version.to_string()).as_deref(), Some("m3"));
        assert_eq!(registry.notice(), None);
    }
}
