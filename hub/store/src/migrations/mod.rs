//! The tables, as they came to be: each migration once, in order, never edited after a release.
//!
//! To add a column or a table, add a migration, a file of its own, at the end of the list and a field
//! or an entity in `entity/`. New columns are nullable or have a default, so that existing rows
//! stay valid.

/// The first tables.
mod initial;

/// What samples look like, which belong together, who sent them; imports; frozen versions.
mod dataset;

/// The review queue, what reviewers did, and what was computed in the background.
mod review;

/// Reports, overrides and imported backbones.
mod registry;

/// Trainings as jobs.
mod training;

/// Dated quantities and forecasts.
mod forecast;

/// When people last logged in.
mod people;

/// Where bins stand, what group they are of, and which are retired.
mod fleet;

/// What reviewers did, by time.
mod answers;

/// The fill of bins by day.
mod fill;

/// Rows that show that what was written is there.
mod disk;

/// What a number stands for, when an item was seen, and in which order a bin said what.
mod identity;

/// Who listens over MQTT, and secrets as a foreign broker's password file has them.
mod listeners;

/// Versions on their way to the bins, group by group.
mod rollouts;

/// What bins see, added up by model, day, bin and label.
mod field;

use sea_orm_migration::prelude::*;

/// Runs the migrations.
#[derive(Debug)]
pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(initial::Initial),
            Box::new(dataset::Dataset),
            Box::new(review::Review),
            Box::new(training::TrainingJobs),
            Box::new(registry::Registry),
            Box::new(forecast::Forecast),
            Box::new(people::People),
            Box::new(fleet::Fleet),
            Box::new(answers::Answers),
            Box::new(fill::Fill),
            Box::new(disk::Disk),
            Box::new(identity::Identity),
            Box::new(listeners::Listeners),
            Box::new(rollouts::Rollouts),
            Box::new(field::Field),
        ]
    }
}
