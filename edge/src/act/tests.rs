use std::sync::{Arc, Mutex};

use super::*;

/// What a drive was told, and whether it works.
#[derive(Debug, Default)]
struct Fake {
    done: Vec<String>,
    open_fails: bool,
    close_fails: bool,
}

#[derive(Clone, Default)]
struct FakeDrive(Arc<Mutex<Fake>>);

impl FakeDrive {
    fn change(&self, change: impl FnOnce(&mut Fake)) {
        change(&mut self.0.lock().expect("not poisoned"));
    }

    fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("not poisoned").done)
    }
}

impl Drive for FakeDrive {
    fn has(&self, flap: &Flap) -> bool {
        flap.to_string() != "paper"
    }

    fn open(&mut self, flap: &Flap) -> Result<(), ActError> {
        let mut fake = self.0.lock().expect("not poisoned");
        fake.done.push(flap.to_string());
        if fake.open_fails { Err(broken()) } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), ActError> {
        let mut fake = self.0.lock().expect("not poisoned");
        fake.done.push("close".to_owned());
        if fake.close_fails { Err(broken()) } else { Ok(()) }
    }
}

fn broken() -> ActError {
    GpioError { chip: "/dev/gpiochip0".into(), lines: vec![17], problem: "it is in use".into() }.into()
}

fn class(name: &str) -> Flap {
    Flap::Class(Label::new(name).expect("valid"))
}

const PULSE: Pulse = Pulse { open: Duration::from_secs(2), pause: Duration::from_secs(1) };

fn state(opened: u64, failed: u64, fault: Option<&str>) -> ActuatorState {
    ActuatorState { opened, failed, fault: fault.map(str::to_owned) }
}

#[test]
fn each_item_opens_its_flap_and_what_has_none_moves_nothing() {
    let (drive, start) = (FakeDrive::default(), Instant::now());
    let at = |seconds| move || start + Duration::from_secs(seconds);
    let mut actuator = Actuator::new(Box::new(drive.clone()), PULSE, start);
    actuator.work(at(0));
    for flap in [class("glass"), class("paper"), Flap::Rest] {
        actuator.handle_order(flap, start);
    }
    for second in 0..8 {
        actuator.work(at(second));
    }
    assert_eq!(drive.done(), ["close", "glass", "close", "rest", "close"]);
    assert_eq!(*actuator.state(), state(2, 0, None));
}

#[test]
fn a_flap_that_fails_is_told_and_the_next_is_tried() {
    let (drive, start) = (FakeDrive::default(), Instant::now());
    let at = |seconds| move || start + Duration::from_secs(seconds);
    let mut actuator = Actuator::new(Box::new(drive.clone()), PULSE, start);
    drive.change(|fake| fake.close_fails = true);
    actuator.work(at(0));
    assert_eq!(*actuator.state(), state(0, 0, Some("GPIO line 17 of /dev/gpiochip0: it is in use")));
    actuator.handle_order(class("glass"), start);
    actuator.work(at(0));
    assert_eq!(*actuator.state(), state(0, 1, Some("GPIO line 17 of /dev/gpiochip0: it is in use")));
    assert_eq!(drive.done(), ["close", "close"], "nothing opens that may not close");

    drive.change(|fake| (fake.close_fails, fake.open_fails) = (false, true));
    actuator.handle_order(class("glass"), start);
    actuator.work(at(1));
    actuator.work(at(2));
    assert_eq!(drive.done(), ["close", "glass", "close"]);
    assert_eq!(*actuator.state(), state(0, 2, Some("glass: GPIO line 17 of /dev/gpiochip0: it is in use")));

    drive.change(|fake| fake.open_fails = false);
    actuator.handle_order(class("metal"), start);
    actuator.work(at(4));
    assert_eq!(*actuator.state(), state(1, 2, None), "what works again is no fault");
}

#[test]
fn lines_that_come_free_before_the_first_item_are_no_fault() {
    let (drive, start) = (FakeDrive::default(), Instant::now());
    let mut actuator = Actuator::new(Box::new(drive.clone()), PULSE, start);
    drive.change(|fake| fake.close_fails = true);
    actuator.work(|| start);
    assert!(actuator.state().fault.is_some());
    drive.change(|fake| fake.close_fails = false);
    actuator.work(|| start + interlock::RETRY);
    assert_eq!(*actuator.state(), state(0, 0, None));
}

#[test]
fn more_items_than_flaps_can_follow_are_counted() {
    let (drive, start) = (FakeDrive::default(), Instant::now());
    let mut actuator = Actuator::new(Box::new(drive), PULSE, start);
    for _ in 0..=interlock::WAITING {
        actuator.handle_order(class("glass"), start);
    }
    assert_eq!(*actuator.state(), state(0, 1, Some("glass: 4 flaps wait already")));
}

#[test]
fn the_thread_moves_flaps_and_closes_them_at_the_end() {
    let drive = FakeDrive::default();
    let quick = Pulse { open: Duration::ZERO, pause: Duration::ZERO };
    let actuator = Actuator::new(Box::new(drive.clone()), quick, Instant::now());
    let (orders, taken) = std::sync::mpsc::channel();
    let mut told = Vec::new();
    orders.send(class("glass")).expect("taken");
    let mut orders = Some(orders);
    actuator.run(&taken, |state| {
        told.push(state.opened);
        if state.opened == 1 {
            orders = None;
        }
    });
    assert_eq!(told, [0, 1]);
    let done = drive.done();
    assert_eq!((done[1].as_str(), done.last().map(String::as_str)), ("glass", Some("close")));
}

#[cfg(unix)]
#[test]
fn a_program_is_given_the_class_and_its_failure_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let script = format!("echo \"$2\" >> {}; [ \"$2\" != metal ]", log.display());
    let command = ["sh", "-c", &script, "flap", "--open"].map(str::to_owned).to_vec();
    let config = ActConfig { by: By::Program(Hook { command, limit: Duration::from_secs(60) }), pulse: PULSE };
    let start = Instant::now();
    let mut actuator = Actuator::new(config.drive(), PULSE, start);
    for (second, flap) in (0..).zip([class("glass"), Flap::Rest, class("metal")]) {
        actuator.handle_order(flap, start);
        actuator.work(|| start + Duration::from_secs(10 * second));
        actuator.work(|| start + Duration::from_secs(10 * second + 5));
    }
    assert_eq!(std::fs::read_to_string(log).expect("it ran"), "glass\nrest\nmetal\n");
    assert_eq!(*actuator.state(), state(2, 1, Some("metal: sh ended with exit status: 1")));
}

#[test]
fn outcomes_go_to_their_flaps() {
    let label = Label::new("glass").expect("valid");
    assert_eq!(Flap::of(&Outcome::Label { label: label.clone() }), Flap::Class(label.clone()));
    assert_eq!(Flap::of(&Outcome::Unsure { guess: label }), Flap::Rest);
}
