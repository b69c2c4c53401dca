//! Counts how often the trigger errs: `cargo run --release -p pilah-edge --example trigger_confusion -- 1000`.
//!
//! The first argument is the number of items per line: one line for each kind of trouble alone, and one for bins
//! in everyday use, which is the figure that counts. Further arguments choose lines by their names. The last two lines are
//! bins that were started while an item lay in view, without and with what they knew from the run before.

use std::collections::BTreeMap;
use std::error::Error;

use pilah_edge::camera::chamber::trouble::Trouble;
use pilah_edge::confusion::{Confusion, Starts, bin, everyday, start_with_item, watch};
use pilah_edge::trigger::TriggerRules;

const LOOKS: u64 = 10;
const VOTES: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let items: u32 = std::env::args().nth(1).map_or(Ok(1000), |items| items.parse())?;
    let chosen: Vec<String> = std::env::args().skip(2).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    let mut lines = vec![("quiet".to_owned(), BTreeMap::new())];
    lines.extend(Trouble::ALL.map(|trouble| (format!("{trouble:?}"), BTreeMap::from([(trouble, 0.5)]))));
    lines.push(("everyday".to_owned(), everyday()));
    lines.retain(|(name, _)| is_chosen(name));
    for (name, trouble) in lines {
        let mut all = Confusion::default();
        for look in 1..=LOOKS {
            let seed = 1000 + look;
            all +=
                watch(bin(look, seed, trouble.clone()), items.div_ceil(LOOKS as u32), TriggerRules::default(), VOTES)?;
        }
        println!("{name:10} {all}");
    }
    for (name, remembers) in [("fresh", false), ("started", true)].into_iter().filter(|(name, _)| is_chosen(name)) {
        let mut all = Starts::default();
        for start in 0..u64::from(items.div_ceil(3)) {
            let bin = bin(1 + start % LOOKS, 2000 + start, BTreeMap::new());
            all += start_with_item(bin, remembers, TriggerRules::default(), VOTES)?;
        }
        println!("{name:10} {all}");
    }
    Ok(())
}
