use super::*;
use crate::calibration::calibration;
use crate::{answered, evaluate};

const CLASSES: [&str; 2] = ["a", "b"];

/// `images` of two classes, half each, of which the first `correct` are labelled right.
fn answers(images: usize, correct: usize) -> (Vec<usize>, Vec<Vec<f32>>) {
    let truths: Vec<usize> = (0..images).map(|i| i % 2).collect();
    let rows = truths
        .iter()
        .enumerate()
        .map(|(i, t)| if (i < correct) == (*t == 0) { vec![0.9, 0.1] } else { vec![0.1, 0.9] })
        .collect();
    (truths, rows)
}

fn speed() -> Speed {
    Speed {
        median_ms: 10.0,
        p95_ms: 12.0,
        runs: 40,
        merged_bytes: 9_000_000,
        backbone_bytes: 8_900_000,
        head_bytes: 100_000,
        largest_difference: 0.0,
    }
}

/// What a test says of the model in service: images right, only it right, only the new one right.
type Service = Option<(u64, u64, u64)>;

fn judged(images: usize, correct: usize, service: Service, lost: &[&str]) -> Verdict {
    judged_by(&GateRules { calibration_error: 1.0, ..GateRules::default() }, images, correct, service, lost)
}

fn judged_by(rules: &GateRules, images: usize, correct: usize, service: Service, lost: &[&str]) -> Verdict {
    let (truths, rows) = answers(images, correct);
    let version = ModelVersion::new("m1").expect("valid");
    judge(
        rules,
        &Candidate {
            evaluation: &evaluate(&Labels::parse(CLASSES).expect("valid"), &truths, &rows),
            calibration: &calibration(&answered(&truths, &rows)),
            golden: Ok(()),
            speed: Ok(speed()),
            service: service.map(|(correct, only_old, only_new)| InService {
                version: &version,
                correct,
                comparison: McNemar::of(only_old, only_new),
                by_class: Vec::new(),
                lost: lost.iter().map(|l| Label::new(*l).expect("valid")).collect(),
            }),
        },
    )
}

fn failed(verdict: &Verdict) -> Vec<&str> {
    verdict.rules.iter().filter(|rule| !rule.passed).map(|rule| rule.rule.as_str()).collect()
}

#[test]
fn against_the_model_in_service() {
    // (test images, new right, old right, only old, only new, passes)
    let cases = [
        (100, 80, 70, 5, 15, true),
        (100, 80, 80, 10, 10, true),
        (100, 79, 80, 11, 10, false),
        (400, 318, 320, 12, 10, true),
        (400, 317, 320, 13, 10, false),
        (2000, 1590, 1600, 10, 0, false),
        (0, 0, 0, 0, 0, false),
    ];
    for (images, new, old, only_old, only_new, passes) in cases {
        let verdict = judged(images, new, Some((old, only_old, only_new)), &[]);
        assert_eq!(verdict.passed, passes, "{images} {new} {old}: {verdict:?}");
    }
}

#[test]
fn the_margin_and_better_are_the_operators() {
    let rules =
        |margin, require_better| GateRules { margin, require_better, calibration_error: 1.0, ..GateRules::default() };
    let five_behind = Some((85, 12, 7));
    assert!(judged_by(&rules(0.05, false), 100, 80, five_behind, &[]).passed);
    assert_eq!(failed(&judged_by(&rules(0.04, false), 100, 80, five_behind, &[])), ["accuracy"]);
    assert_eq!(failed(&judged_by(&rules(0.05, true), 100, 80, Some((80, 5, 5)), &[])), ["accuracy"]);
    assert!(judged_by(&rules(0.05, true), 100, 81, Some((80, 5, 6)), &[]).passed);
}

#[test]
fn a_class_may_not_be_lost() {
    let verdict = judged(100, 99, Some((50, 0, 49)), &["trash"]);
    assert!(!verdict.passed);
    assert_eq!(verdict.summary(), "m1 knows trash, this model does not: label images of it");
}

/// Better over all, but of class b, which has 20 images, `lost` are now wrong.
fn class_b_loses(lost: usize) -> Verdict {
    let labels = Labels::parse(CLASSES).expect("valid");
    let truths: Vec<usize> = (0..120).map(|i| usize::from(i >= 100)).collect();
    let old: Vec<bool> = (0..120).map(|i| i >= 30).collect();
    let new: Vec<bool> = (0..120).map(|i| i < 120 - lost).collect();
    let row = |(i, t): (usize, &usize)| if new[i] == (*t == 0) { vec![0.9, 0.1] } else { vec![0.1, 0.9] };
    let rows: Vec<Vec<f32>> = truths.iter().enumerate().map(row).collect();
    let version = ModelVersion::new("m1").expect("valid");
    judge(
        &GateRules { calibration_error: 1.0, ..GateRules::default() },
        &Candidate {
            evaluation: &evaluate(&labels, &truths, &rows),
            calibration: &calibration(&answered(&truths, &rows)),
            golden: Ok(()),
            speed: Ok(speed()),
            service: Some(InService::compare(&version, &labels, &labels, &truths, &old, &new)),
        },
    )
}

#[test]
fn no_class_may_become_worse_beyond_chance_even_if_the_whole_is_better() {
    // Of two classes: 2 · 2^-5 is 0.0625, 2 · 2^-6 is 0.031.
    assert!(class_b_loses(5).passed, "{:?}", class_b_loses(5));
    let verdict = class_b_loses(6);
    assert_eq!(failed(&verdict), ["each class"]);
    assert!(verdict.summary().contains("b (14 instead of 20 of 20 right, p = 0.031)"), "{}", verdict.summary());
}

#[test]
fn the_first_model_must_beat_saying_always_the_same() {
    for (images, correct, passes) in [(100, 51, true), (100, 50, false), (0, 0, false)] {
        let verdict = judged(images, correct, None, &[]);
        assert_eq!(verdict.passed, passes, "{correct} of {images}: {verdict:?}");
    }
}

#[test]
fn confidence_must_mean_what_it_says_where_that_can_be_told() {
    // 0.9 is claimed throughout; the error is |0.9 − accuracy|.
    let rules = GateRules::default();
    let verdict = |images, correct| judged_by(&rules, images, correct, None, &[]);
    assert_eq!(failed(&verdict(1000, 700)), ["calibration"]);
    assert!(verdict(1000, 850).passed, "0.05 is within 0.1");
    let few = verdict(12, 9);
    assert!(few.passed && few.summary().contains("by chance"), "{few:?}");
}

#[test]
fn a_model_that_is_slow_large_or_broken_is_refused() {
    let (truths, rows) = answers(100, 90);
    let evaluation = evaluate(&Labels::parse(CLASSES).expect("valid"), &truths, &rows);
    let calibration = calibration(&answered(&truths, &rows));
    let verdict = |golden: Result<(), String>, speed: Result<Speed, String>| {
        let candidate = Candidate { evaluation: &evaluation, calibration: &calibration, golden, speed, service: None };
        judge(&GateRules::default(), &candidate)
    };
    assert!(verdict(Ok(()), Ok(speed())).passed);
    assert_eq!(failed(&verdict(Ok(()), Ok(Speed { median_ms: 251.0, ..speed() }))), ["latency"]);
    assert_eq!(failed(&verdict(Ok(()), Ok(Speed { merged_bytes: 65_000_000, ..speed() }))), ["size"]);
    assert_eq!(failed(&verdict(Ok(()), Err("no network".into()))), ["latency", "size"]);
    assert_eq!(failed(&verdict(Ok(()), Ok(Speed { largest_difference: 0.01, ..speed() }))), ["golden outputs"]);
    let broken = verdict(Err("golden input 0".into()), Ok(speed()));
    assert!(!broken.passed && broken.summary().contains("golden input 0"));
}

#[test]
fn a_verdict_says_what_it_could_not_see() {
    let notes = |verdict: &Verdict| verdict.notes.join("\n");
    let (few, many) = (judged(24, 20, Some((20, 2, 2)), &[]), judged(2000, 1700, Some((1700, 80, 80)), &[]));
    let points = |verdict: &Verdict| -> f64 {
        let note = notes(verdict);
        let words = note.split("loss of ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a number of points");
        words.parse().expect("a number")
    };
    assert!(points(&few) > 20.0 && points(&many) < 3.0, "{} {}", notes(&few), notes(&many));
    assert!(notes(&judged(2, 2, Some((2, 0, 0)), &[])).contains("no loss could have been noticed"));
    assert!(notes(&judged(0, 0, None, &[])).contains("no test image"));
    assert!(notes(&class_b_loses(0)).contains("a true loss of"));
    // One class in the test split.
    let labels = Labels::parse(CLASSES).expect("valid");
    let (truths, rows) = (vec![0; 10], vec![vec![0.9, 0.1]; 10]);
    let evaluation = evaluate(&labels, &truths, &rows);
    let calibration = calibration(&answered(&truths, &rows));
    let version = ModelVersion::new("m1").expect("valid");
    let service = Some(InService::compare(&version, &labels, &labels, &truths, &[true; 10], &[true; 10]));
    let (golden, speed) = (Ok(()), Ok(speed()));
    let candidate = Candidate { evaluation: &evaluation, calibration: &calibration, golden, speed, service };
    let verdict = judge(&GateRules::default(), &candidate);
    assert!(notes(&verdict).contains("All 10 test images show a"), "{verdict:?}");
}

#[test]
fn verdicts_of_earlier_builds_can_be_read() {
    let stored = r#"{"passed":true,"rules":[{"rule":"baseline","passed":true,"reason":"it is better"}]}"#;
    let verdict: Verdict = serde_json::from_str(stored).expect("readable");
    assert!(verdict.notes.is_empty() && verdict.rules[0].measured.is_empty());
}
