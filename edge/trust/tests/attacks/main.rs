//! What somebody between hub and bin, or with a stolen key, may try; and what cards, clocks and networks do without meaning harm.

mod bench;
mod clocks;
mod forgery;
mod loading;
mod memory;
mod theft;
mod time;
