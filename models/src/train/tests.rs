use super::*;
use crate::infer::{Head, best};

/// Blobs of `spread` around one corner per class, drawn by a fixed sequence.
fn blobs(classes: usize, per_class: usize, spread: f32, offset: usize) -> Examples {
    let mut examples = Examples::new(4);
    for index in 0..classes * per_class {
        let target = index % classes;
        let mut row = [0.0; 4];
        for (axis, x) in row.iter_mut().enumerate() {
            let fraction = ((index + offset) as f32 * (0.618 + 0.217 * axis as f32)).fract() - 0.5;
            *x = 10.0 * axis as f32 + if axis == target % 4 { 1.0 } else { 0.0 } + spread * fraction;
        }
        examples.push(&row, target);
    }
    examples
}

fn quietly(
    train: &Examples,
    validation: &Examples,
    classes: usize,
    params: &HeadParams,
) -> Result<FittedHead, TrainError> {
    fit(train, validation, classes, params, &mut |_| ControlFlow::Continue(()))
}

fn params() -> HeadParams {
    HeadParams { learning_rate: 0.05, batch_size: 16, epochs: 40, weight_decay: 0.01, ..HeadParams::linear() }
}

fn with_hidden_layer() -> HeadParams {
    HeadParams { hidden: 12, learning_rate: 0.02, batch_size: 16, epochs: 60, ..HeadParams::default() }
}

#[test]
fn it_learns_what_can_be_told_apart_and_the_onnx_file_says_the_same() {
    let (train, validation) = (blobs(4, 40, 0.8, 0), blobs(4, 10, 0.8, 1000));
    let regularised = HeadParams { mixup: 0.2, label_smoothing: 0.1, ..params() };
    for params in [params(), with_hidden_layer(), regularised] {
        let fitted = quietly(&train, &validation, 4, &params).expect("fits");
        let head = Head::load(&fitted.to_onnx(), 4, 4).expect("loads");
        for (row, &target) in validation.embeddings.chunks(4).zip(&validation.targets) {
            let probabilities = head.probabilities(row).expect("runs");
            assert_eq!(best(&probabilities).0, target, "{probabilities:?} for {row:?} by {params:?}");
        }
        let last = fitted.history.last().expect("at least one epoch");
        assert!(last.validation_loss < fitted.history[0].validation_loss);
        assert_eq!(last.validation_accuracy, 1.0);
    }
}

#[test]
fn a_hidden_layer_learns_what_no_line_can_separate() {
    // Exclusive or: the class is whether the two numbers have the same sign.
    let mut examples = Examples::new(2);
    for index in 0..200 {
        let [x, y] = [0.618_f32, 0.414].map(|step| (index as f32 * step).fract() * 2.0 - 1.0);
        if x.abs() > 0.1 && y.abs() > 0.1 {
            examples.push(&[x, y], usize::from((x > 0.0) == (y > 0.0)));
        }
    }
    let right = |params: &HeadParams| {
        let fitted = quietly(&examples, &examples, 2, params).expect("fits");
        fitted.history[fitted.best_epoch - 1].validation_accuracy
    };
    let bent = HeadParams { input_dropout: 0.0, dropout: 0.0, hidden: 24, ..with_hidden_layer() };
    let (linear, bent) = (right(&params()), right(&bent));
    assert!(bent > 0.95 && linear < 0.75, "{bent} with a hidden layer, {linear} without");
}

#[test]
fn a_fit_that_was_taken_up_again_ends_in_the_same_bytes() {
    let (train, validation) = (blobs(3, 30, 2.0, 0), blobs(3, 10, 2.0, 500));
    for params in [params(), HeadParams { mixup: 0.3, ..with_hidden_layer() }] {
        let undisturbed = quietly(&train, &validation, 3, &params).expect("fits");
        for killed_after in [1, 7, undisturbed.history.len()] {
            let mut kept = Vec::new();
            let cut_off = fit_from(None, &train, &validation, 3, &params, &mut |report, now| {
                kept = now.checkpoint().to_bytes();
                if report.epoch == killed_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert!(cut_off.is_err());
            let checkpoint = Checkpoint::from_bytes(&kept).expect("whole");
            assert_eq!(checkpoint.epoch(), killed_after);
            assert!(checkpoint.is_of(&train, &validation, 3, &params));
            let mut epochs = Vec::new();
            let resumed = fit_from(Some(&checkpoint), &train, &validation, 3, &params, &mut |report, _| {
                epochs.push(report.epoch);
                ControlFlow::Continue(())
            });
            let resumed = resumed.expect("fits");
            assert_eq!(epochs, (killed_after + 1..=undisturbed.history.len()).collect::<Vec<_>>());
            assert_eq!(resumed, undisturbed, "after epoch {killed_after}");
        }
    }
}

#[test]
fn a_checkpoint_of_something_else_or_a_damaged_one_is_refused() {
    let (train, validation) = (blobs(3, 30, 2.0, 0), blobs(3, 10, 2.0, 500));
    let mut bytes = Vec::new();
    let params = HeadParams { epochs: 1, ..params() };
    let kept = fit_from(None, &train, &validation, 3, &params, &mut |_, now| {
        bytes = now.checkpoint().to_bytes();
        ControlFlow::Continue(())
    });
    kept.expect("fits");
    let checkpoint = Checkpoint::from_bytes(&bytes).expect("whole");
    let other = HeadParams { seed: 1, ..params.clone() };
    for (train, params) in [(&train, &other), (&validation, &params)] {
        assert!(!checkpoint.is_of(train, &validation, 3, params));
        let error = fit_from(Some(&checkpoint), train, &validation, 3, params, &mut |_, _| ControlFlow::Continue(()));
        assert!(matches!(error, Err(TrainError::OtherCheckpoint)), "{error:?}");
    }
    for kept in [0, 31, 40, bytes.len() - 1] {
        assert!(matches!(Checkpoint::from_bytes(&bytes[..kept]), Err(CheckpointError::Damaged)), "{kept} bytes");
    }
    bytes[100] ^= 1;
    assert!(matches!(Checkpoint::from_bytes(&bytes), Err(CheckpointError::Damaged)));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (train, validation) = (blobs(3, 30, 2.0, 0), blobs(3, 10, 2.0, 500));
    for params in [params(), with_hidden_layer()] {
        let with = |seed| HeadParams { seed, ..params.clone() };
        let onnx = |seed| quietly(&train, &validation, 3, &with(seed)).expect("fits").to_onnx();
        assert_eq!(onnx(7), onnx(7));
        assert_ne!(onnx(7), onnx(8));
    }
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    // Validation says the opposite of training: every step makes it worse.
    let train = blobs(2, 20, 0.5, 0);
    let mut validation = train.clone();
    validation.targets.iter_mut().for_each(|target| *target = 1 - *target);
    let fitted = quietly(&train, &validation, 2, &HeadParams { patience: 3, ..params() }).expect("fits");
    assert_eq!((fitted.best_epoch, fitted.history.len()), (1, 4));
    assert!(fitted.temperature > 10.0, "and calibration knows that it is wrong: {}", fitted.temperature);
}

#[test]
fn a_handful_of_validation_examples_does_not_end_the_fit_at_its_beginning() {
    let train = blobs(3, 60, 3.0, 0);
    for offset in (0..200).step_by(10) {
        let validation = blobs(3, 2, 3.0, 1000 + offset);
        let fitted = quietly(&train, &validation, 3, &HeadParams { patience: 5, ..params() }).expect("fits");
        assert!(fitted.best_epoch > 5, "epoch {} for the examples from {offset} on", fitted.best_epoch);
    }
}

#[test]
fn a_class_with_one_example_is_learned_as_far_as_it_goes() {
    let mut train = blobs(2, 20, 0.5, 0);
    train.push(&[5.0, 10.0, 25.0, 30.0], 2);
    for params in [params(), with_hidden_layer()] {
        let fitted = quietly(&train, &train, 3, &params).expect("fits");
        let head = Head::load(&fitted.to_onnx(), 4, 3).expect("loads");
        let probabilities = head.probabilities(&[5.0, 10.0, 25.0, 30.0]).expect("runs");
        assert!(probabilities.iter().all(|p| p.is_finite()), "{probabilities:?}");
        assert_eq!(best(&probabilities).0, 2, "{probabilities:?}");
    }
}

#[test]
fn class_weights_let_a_rare_class_be_heard() {
    // One example in eleven is of class 1, and the two overlap.
    let mut train = blobs(2, 110, 6.0, 0);
    let keep = |row: usize| row.is_multiple_of(2) || row % 22 == 1;
    let rows: Vec<usize> = (0..train.len()).filter(|&row| keep(row)).collect();
    train = rows.iter().fold(Examples::new(4), |mut kept, &row| {
        kept.push(&train.embeddings[4 * row..][..4], train.targets[row]);
        kept
    });
    let validation = blobs(2, 100, 6.0, 5000);
    let recall = |class_weights| {
        let fitted = quietly(&train, &validation, 2, &HeadParams { class_weights, ..params() }).expect("fits");
        let head = Head::load(&fitted.to_onnx(), 4, 2).expect("loads");
        let rare = validation.embeddings.chunks(4).zip(&validation.targets).filter(|(_, target)| **target == 1);
        rare.filter(|(row, _)| best(&head.probabilities(row).expect("runs")).0 == 1).count()
    };
    let (weighted, plain) = (recall(true), recall(false));
    assert!(weighted > plain + 10, "{weighted} of 100 against {plain}");
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let good = blobs(3, 5, 0.5, 0);
    let empty = Examples::new(4);
    let spoilt = |spoil: fn(&mut Examples)| {
        let mut examples = good.clone();
        spoil(&mut examples);
        examples
    };
    let one_class = spoilt(|e| e.targets.fill(1));
    let missing = spoilt(|e| e.targets.iter_mut().for_each(|t| *t = (*t).min(1)));
    let unknown = spoilt(|e| e.targets[2] = 3);
    let nan = spoilt(|e| e.embeddings[4 * 6 + 1] = f32::NAN);
    let short = spoilt(|e| e.embeddings.truncate(59));
    let wider = Examples { embedding: 5, embeddings: vec![0.0; 5], targets: vec![0] };
    let cases = [
        (&empty, &good, "there are no training examples"),
        (&good, &empty, "there are no validation examples"),
        (&one_class, &good, "all training examples are of one class; at least two are needed"),
        (&missing, &good, "class 2 has no training example"),
        (&good, &unknown, "validation example 2 is of class 3; there are 3"),
        (&nan, &good, "the embedding of training example 6 is not finite"),
        (&good, &nan, "the embedding of validation example 6 is not finite"),
        (&short, &good, "training: 59 numbers for 15 examples of 4 each"),
        (&good, &wider, "validation: 5 numbers for 1 examples of 4 each"),
    ];
    for (train, validation, expected) in cases {
        let error = quietly(train, validation, 3, &params()).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_parameter_out_of_range_is_named_with_its_range() {
    let good = HeadParams::default();
    assert!(good.validate().is_ok());
    let cases = [
        (HeadParams { epochs: 0, ..good.clone() }, "epochs is 0; it must be 1 to 10000"),
        (HeadParams { learning_rate: 0.0, ..good.clone() }, "learning_rate is 0; it must be above 0 and at most 1"),
        (
            HeadParams { learning_rate: f64::NAN, ..good.clone() },
            "learning_rate is NaN; it must be above 0 and at most 1",
        ),
        (HeadParams { batch_size: 100_000, ..good.clone() }, "batch_size is 100000; it must be 1 to 65536"),
        (HeadParams { weight_decay: -1.0, ..good.clone() }, "weight_decay is -1; it must be 0 to 10"),
        (HeadParams { hidden: 5000, ..good.clone() }, "hidden is 5000; it must be 0 to 4096"),
        (HeadParams { dropout: 0.95, ..good.clone() }, "dropout is 0.95; it must be 0 to 0.9"),
        (HeadParams { input_dropout: -0.1, ..good.clone() }, "input_dropout is -0.1; it must be 0 to 0.9"),
        (HeadParams { label_smoothing: f64::NAN, ..good.clone() }, "label_smoothing is NaN; it must be 0 to 0.5"),
        (HeadParams { mixup: 2.0, ..good.clone() }, "mixup is 2; it must be 0 to 1"),
        (HeadParams { patience: 0, ..good }, "patience is 0; it must be 1 to 10000"),
    ];
    for (params, expected) in cases {
        let examples = blobs(2, 5, 0.5, 0);
        assert_eq!(quietly(&examples, &examples, 2, &params).expect_err(expected).to_string(), expected);
    }
    assert!(serde_json::from_str::<HeadParams>(r#"{"epochs": 5}"#).is_ok_and(|p| p.epochs == 5));
    assert!(serde_json::from_str::<HeadParams>(r#"{"epoch": 5}"#).is_err(), "a misspelt key is not ignored");
}

#[test]
fn a_fit_can_be_cancelled() {
    let examples = blobs(2, 5, 0.5, 0);
    let mut seen = Vec::new();
    let result = fit(&examples, &examples, 2, &params(), &mut |report| {
        seen.push(report.epoch);
        if report.epoch == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(result, Err(TrainError::Cancelled(3))));
    assert_eq!(seen, [1, 2, 3]);
}

#[test]
fn a_fit_that_diverges_says_so() {
    // The first row is so far from the mean of the rest that the difference overflows.
    let mut examples = blobs(2, 5, 0.5, 0);
    examples.embeddings.chunks_mut(4).for_each(|row| row[0] = -f32::MAX);
    examples.embeddings[0] = f32::MAX;
    let error = quietly(&examples, &examples, 2, &params()).expect_err("no head of NaN");
    assert_eq!(error.to_string(), "the fit diverged in epoch 1; lower the learning rate");
}
