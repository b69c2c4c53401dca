use pilah_models::labels::Labels;
use pilah_models::name::ContentId;

use super::*;
use crate::fixture::manifest;
use crate::report::{Answer, set_report};

/// A set of 240 images of `classes` classes, four fifths right, more so where the model is sure.
fn set(classes: usize, images: usize) -> SetReport {
    let names: Vec<String> = match classes {
        6 => ["cardboard", "glass", "metal", "paper", "plastic", "trash"].map(str::to_owned).to_vec(),
        _ => (0..classes).map(|class| format!("class_number_{class}")).collect(),
    };
    let manifest = manifest("m7-5f2c81aa", &Labels::parse(names.iter().map(String::as_str)).expect("valid"));
    let answers: Vec<Answer> = (0..images)
        .map(|i| {
            let (truth, confidence) = (i % classes, 0.35 + 0.64 * ((i * 37 % 101) as f32 / 101.0));
            let is_right = (i * 53 % 100) as f32 / 100.0 < confidence;
            let answer = if is_right { truth } else { (truth + 1 + i / 7 % (classes - 1)) % classes };
            let mut row = vec![(1.0 - confidence) / (classes - 1) as f32; classes];
            row[answer] = confidence.max(1.2 / classes as f32);
            let (sample, content) = (i.to_string(), ContentId::of(&i.to_le_bytes()));
            Answer { sample, content, group: (i / 3).to_string(), bin: None, truth, row }
        })
        .collect();
    set_report(&manifest, Some(1.6), &answers)
}

fn history() -> Vec<EpochFigures> {
    let epoch = |epoch: u32| {
        let fall = (-f64::from(epoch) / 12.0).exp();
        EpochFigures {
            epoch,
            train_loss: 0.2 + 1.6 * fall,
            validation_loss: 0.45 + 1.3 * fall + 0.002 * f64::from(epoch),
            validation_accuracy: 0.86 - 0.6 * fall,
        }
    };
    (1..=60).map(epoch).collect()
}

fn all(set: &SetReport, history: &[EpochFigures], format: Format) -> Vec<(Plot, Vec<u8>)> {
    let title = "m7-5f2c81aa on the test split";
    Plot::ALL
        .into_iter()
        .map(|plot| {
            let drawn = match plot {
                Plot::Confusion => confusion(set, title, format),
                Plot::Reliability => reliability(set, title, format),
                Plot::RiskCoverage => risk_coverage(set, title, format),
                Plot::Training => training(history, "Training 7", format),
            };
            (plot, drawn.expect("draws"))
        })
        .collect()
}

/// Writes the pictures to the folder that is named by PILAH_PLOTS, for people to look at.
fn show(name: &str, plots: &[(Plot, Vec<u8>)], ending: &str) {
    let Ok(folder) = std::env::var("PILAH_PLOTS") else { return };
    for (plot, bytes) in plots {
        let path = std::path::Path::new(&folder).join(format!("{name}-{}.{ending}", plot.name()));
        std::fs::write(path, bytes).expect("writes the picture");
    }
}

#[test]
fn a_png_is_mostly_white_and_has_ink() {
    let plots = all(&set(6, 240), &history(), Format::Png);
    show("six", &plots, "png");
    for (plot, png) in plots {
        let image = image::load_from_memory(&png).expect("a PNG").to_rgb8();
        let count = |wanted: fn(&image::Rgb<u8>) -> bool| image.pixels().filter(|pixel| wanted(pixel)).count();
        let all = (image.width() * image.height()) as usize;
        assert!(count(|p| p.0.iter().all(|v| *v > 240)) > all / 3, "{plot:?} is light");
        assert!(count(|p| p.0.iter().all(|v| *v < 90)) > 800, "{plot:?} has text");
        // A corner that nothing is drawn in.
        assert_eq!(image.get_pixel(0, 0).0, [255; 3], "{plot:?}");
    }
}

#[test]
fn an_svg_says_what_its_axes_are() {
    let plots = all(&set(6, 240), &history(), Format::Svg);
    show("six", &plots, "svg");
    let words = |plot: Plot| -> String {
        let svg = &plots.iter().find(|(drawn, _)| *drawn == plot).expect("drawn").1;
        String::from_utf8(svg.clone()).expect("text")
    };
    for (plot, wanted) in [
        (Plot::Confusion, ["true class", "answer", "cardboard"]),
        (Plot::Reliability, ["confidence", "share that is right", "before temperature 1.60"]),
        (Plot::RiskCoverage, ["surest first", "wrong among them", "thresholds"]),
        (Plot::Training, ["epoch", "loss (nats)", "validation split"]),
    ] {
        let svg = words(plot);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{plot:?} is whole");
        wanted.iter().for_each(|wanted| assert!(svg.contains(wanted), "{plot:?} says {wanted:?}"));
    }
}

#[test]
fn few_and_many_classes_and_empty_histories_are_drawn() {
    for (classes, images, history) in [(2, 3, &history()[..1]), (64, 640, &history()[..0]), (12, 120, &history()[..2])]
    {
        let plots = all(&set(classes, images), history, Format::Png);
        show(&classes.to_string(), &plots, "png");
        assert!(plots.iter().all(|(_, png)| png.len() > 1000));
    }
    let none = set_report(&manifest("m1", &Labels::waste()), None, &[]);
    assert_eq!(all(&none, &[], Format::Png).len(), 4);
}

#[test]
fn names_of_files_are_read() {
    let file: PlotFile = "risk-coverage.png".parse().expect("there is one");
    assert_eq!(file, PlotFile { plot: Plot::RiskCoverage, format: Format::Png });
    for wrong in ["confusion", "confusion.jpg", "roc.svg", ".svg", "../confusion.svg"] {
        let error = wrong.parse::<PlotFile>().expect_err(wrong).to_string();
        assert!(error.contains("reliability"), "{error}");
    }
}
