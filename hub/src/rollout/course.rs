//! Rollouts from step to step: what `pilah-rollout` decides, in the database.
//!
//! Nothing is kept in memory, so that a hub may end at any moment: a step that was not written is taken again. One
//! decision is taken at a time. A version goes into service before its rollout is written down as completed, and by a
//! call that does nothing the second time.

use std::collections::HashMap;

use pilah_models::name::BinId;
use pilah_rollout::compare::{Comparison, Verdict};
use pilah_rollout::fleet::{Fleet, Model};
use pilah_rollout::plan::{FieldRule, Group, Plan, PlanError, Rules};
use pilah_rollout::progress::{Happening, Progress};
use pilah_rollout::standing::{Placed, survey, wanted};
use pilah_rollout::step::{self, Ask, AskError};
use sea_orm::{ConnectionTrait, DbErr};
use tokio::sync::Mutex;

use super::field::{self, Question};
use super::store::{self, Kept};
use crate::error::Chain;
use crate::ingest::Publisher;
use crate::live::{Live, LiveEvent};
use crate::registry::{Registry, RegistryError};
use crate::store::{Store, StoreError, now_ms};

/// What cannot be done with rollouts.
#[derive(Debug, thiserror::Error)]
pub(super) enum CourseError {
    /// There is none of this number.
    #[error("there is no rollout {0}")]
    Unknown(i64),
    /// Another is under way.
    #[error("rollout {id} is under way and brings {version}: one at a time. Wait for its end, or cancel it")]
    Open {
        /// Which.
        id: i64,
        /// What it brings.
        version: String,
    },
    /// What bins would go back to is not in service any more.
    #[error("{before} was in service when it began, and {now} is now: begin another rollout instead")]
    Moved {
        /// What was.
        before: String,
        /// What is.
        now: String,
    },
    /// It cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It makes no sense in its state.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The version cannot go into service.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DbErr> for CourseError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// A rollout as it was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) version: String,
    pub(super) groups: Vec<Group>,
    pub(super) rules: Rules,
    pub(super) reason: Option<String>,
}

/// What carries rollouts on.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) store: Store,
    pub(super) registry: Registry,
    pub(super) publisher: Publisher,
    pub(super) live: Live,
    pub(super) turn: Mutex<()>,
    pub(super) field: Mutex<field::Recent>,
}

impl Course {
    /// Begins a rollout; gives its number.
    pub(super) async fn begin(&self, asked: Asked, by: &str) -> Result<i64, CourseError> {
        let _alone = self.turn.lock().await;
        let reason = asked.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let fit = self.registry.fit_for_service(&asked.version, reason).await?;
        let new = Model { version: fit.version, manifest: fit.manifest };
        let now_ms = now_ms();
        let tx = self.store.begin().await?;
        none_open(&tx).await?;
        let (fleet, in_service) = self.fleet(&tx).await?;
        let before = in_service.ok_or(RegistryError::NoneInService)?;
        let id = store::next_id(&tx).await?;
        let plan = Plan::new(id, new, before, asked.groups, asked.rules, &fleet)?;
        let progress = Progress::begin(&plan.new, &fleet);
        store::insert(&tx, &plan, &progress, by, reason, now_ms).await?;
        let (version, before) = (plan.new.version.clone(), plan.before.version.clone());
        let started = Happening::Started { by: by.to_owned(), version, before };
        store::write_down(&tx, &plan, &[started], now_ms).await?;
        tx.commit().await?;
        tracing::info!(rollout = id, model = %plan.new.version, by, "rollout began");
        self.tell(&plan, &progress);
        self.step().await?;
        Ok(id)
    }

    /// Does what a person asks of a rollout.
    pub(super) async fn ask(&self, id: i64, ask: Ask, by: &str) -> Result<(), CourseError> {
        let _alone = self.turn.lock().await;
        let now_ms = now_ms();
        let tx = self.store.begin().await?;
        let kept = store::find(&tx, id).await?.ok_or(CourseError::Unknown(id))?;
        let (fleet, in_service) = self.fleet(&tx).await?;
        let (progress, happening) = step::ask(&kept.plan, &kept.progress, &fleet, ask, by)?;
        if ask == Ask::Retry {
            none_open(&tx).await?;
            let now = in_service.ok_or(RegistryError::NoneInService)?;
            if now != kept.plan.before {
                let (before, now) = (kept.plan.before.version.to_string(), now.version.to_string());
                return Err(CourseError::Moved { before, now });
            }
            self.registry.fit_for_service(kept.plan.new.version.as_str(), kept.row.reason.as_deref()).await?;
        }
        store::keep(&tx, id, &progress, now_ms).await?;
        let words = happening.words();
        store::write_down(&tx, &kept.plan, &[happening], now_ms).await?;
        tx.commit().await?;
        tracing::info!(rollout = id, by, words, "rollout asked");
        self.tell(&kept.plan, &progress);
        self.step().await?;
        Ok(())
    }

    /// Goes as far as it can now, and tells what each bin should have; `None`: the version in service.
    pub(super) async fn advance(&self) -> Result<Option<HashMap<BinId, Model>>, CourseError> {
        let _alone = self.turn.lock().await;
        let Some((plan, progress, fleet)) = self.step().await? else { return Ok(None) };
        let seen = survey(&plan, &progress, &fleet, now_ms());
        let of_bin = |placed: &Placed<'_>| (placed.bin.id.clone(), wanted(&plan, placed).clone());
        Ok(Some(seen.bins.iter().map(of_bin).collect()))
    }

    /// A rollout, with the fleet that it is about.
    pub(super) async fn look(&self, id: i64) -> Result<(Kept, Fleet), CourseError> {
        let moment = self.store.moment().await?;
        let kept = store::find(&moment, id).await?.ok_or(CourseError::Unknown(id))?;
        Ok((kept, self.fleet(&moment).await?.0))
    }

    /// How the version of a rollout does in the field, by what was known a minute ago.
    pub(super) async fn comparison(&self, id: i64) -> Result<Comparison, CourseError> {
        let moment = self.store.moment().await?;
        let kept = store::find(&moment, id).await?.ok_or(CourseError::Unknown(id))?;
        Ok(self.field.lock().await.compare(&moment, &Question::of(&kept), now_ms()).await?)
    }

    /// Goes as far as it can now; gives the rollout if it is still under way.
    async fn step(&self) -> Result<Option<(Plan, Progress, Fleet)>, CourseError> {
        let now_ms = now_ms();
        let moment = self.store.moment().await?;
        let Some(kept) = store::open(&moment).await? else { return Ok(None) };
        let (mut fleet, in_service) = self.fleet(&moment).await?;
        if kept.plan.rules.field != FieldRule::Ignore {
            let question = Question::of(&kept);
            fleet.verdict = self.field.lock().await.compare(&moment, &question, now_ms).await?.verdict;
        }
        drop(moment);
        let Kept { row, plan, progress } = kept;
        let other = in_service.filter(|model| *model != plan.before && *model != plan.new);
        let (mut next, mut happened) = match other {
            Some(other) => {
                let words = format!("{} is in service, which bins would not go back to", other.version);
                let (next, happening) = step::stop(&progress, words);
                (next, vec![happening])
            }
            None => step::step(&plan, &progress, &fleet, now_ms),
        };
        if happened.contains(&Happening::Completed) {
            let version = plan.new.version.as_str();
            if let Err(error) = self.registry.complete(version, &row.by, row.reason.as_deref(), plan.id).await {
                tracing::error!(rollout = plan.id, error = %Chain(&error), "the version that all bins have is not in service");
                let (held, said) = step::hold(&progress, format!("{version} cannot be put into service here: {error}"));
                happened.retain(|happening| *happening != Happening::Completed);
                happened.extend(said);
                next = held;
            }
        }
        if next != progress || !happened.is_empty() {
            let tx = self.store.begin().await?;
            store::keep(&tx, plan.id, &next, now_ms).await?;
            store::write_down(&tx, &plan, &happened, now_ms).await?;
            tx.commit().await?;
            for happening in &happened {
                tracing::info!(rollout = plan.id, model = %plan.new.version, words = happening.words(), "rollout");
            }
            self.tell(&plan, &next);
        }
        Ok(next.phase.is_open().then_some((plan, next, fleet)))
    }

    async fn fleet(&self, db: &impl ConnectionTrait) -> Result<(Fleet, Option<Model>), DbErr> {
        let bins = store::bins(db).await?.iter().map(store::BinRow::bin).collect();
        let (known, in_service) = store::models(db).await?;
        let listening_since_ms = self.publisher.listening_since_ms();
        Ok((Fleet { bins, listening_since_ms, known, verdict: Verdict::NotYet }, in_service))
    }

    fn tell(&self, plan: &Plan, progress: &Progress) {
        let (version, state) = (plan.new.version.clone(), progress.phase.name().to_owned());
        self.live.publish(LiveEvent::Rollout { id: plan.id, version, state });
    }
}

async fn none_open(db: &impl ConnectionTrait) -> Result<(), CourseError> {
    match store::open(db).await? {
        Some(Kept { row, .. }) => Err(CourseError::Open { id: row.id, version: row.version }),
        None => Ok(()),
    }
}
