//! Which labels are probably wrong, and how many: confident learning (Northcutt, Jiang and Chuang,
//! "Confident Learning: Estimating Uncertainty in Dataset Labels", *JAIR* 70, 2021). Pure.
//!
//! The probabilities must come from a model that did not see the sample: see [`super::folds`]. A class's
//! threshold is the mean probability of it among those labelled with it, so that a class of which the
//! model is never sure is judged by its own measure (equation 2). A sample counts towards the pair of its
//! label and the likeliest class whose threshold it reaches: the confident joint (equation 1). Its rows,
//! scaled to the counts of the labels, estimate how often each label is given to what is truly another
//! class (equation 3).
//!
//! Suspect are those off the diagonal of the joint, and as many of each pair as the estimate says, by the
//! margin between the two probabilities ("prune by noise rate", section 3.2): a person looks at them, so
//! that one too many costs little.

use pilah_models::infer::best;

/// A label that is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// The class that it probably is.
    pub class: usize,
    /// By how much the probability of that class exceeds that of the label, 0 to 1.
    pub score: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// For each sample: `None` if its label may well be right.
    pub suspects: Vec<Option<Suspect>>,
    /// Estimated number of samples by label (rows) and true class (columns).
    pub joint: Vec<Vec<f64>>,
    /// Estimated share of wrong labels, 0 to 1; 0 without samples.
    pub share: f64,
}

/// Judges labels by out-of-fold probabilities, a row of `classes` numbers for each label. Rows of another
/// length, or with a number that is not finite, are passed over: their labels are not judged.
///
/// # Panics
/// If there is not a row for each label, or a label is not below `classes`.
#[must_use]
pub fn find(labels: &[usize], probabilities: &[Vec<f32>], classes: usize) -> Noise {
    assert_eq!(labels.len(), probabilities.len(), "a row for each label");
    let is_sound = |row: &[f32]| row.len() == classes && row.iter().all(|p| p.is_finite());
    let judged: Vec<usize> = (0..labels.len()).filter(|i| is_sound(&probabilities[*i])).collect();
    let thresholds = thresholds(labels, probabilities, &judged, classes);
    let mut joint = vec![vec![0.0f64; classes]; classes];
    let mut suspects = vec![None; labels.len()];
    for &i in &judged {
        let (label, row) = (labels[i], &probabilities[i]);
        let reached: Vec<f32> = row.iter().zip(&thresholds).map(|(p, t)| if p >= t { *p } else { -1.0 }).collect();
        let (class, p) = best(&reached);
        if p <= 0.0 {
            continue;
        }
        joint[label][class] += 1.0;
        if class != label {
            suspects[i] = suspect(row, label, class);
        }
    }
    calibrate(&mut joint, labels, &judged);
    for (label, row) in joint.iter().enumerate() {
        for (class, due) in row.iter().enumerate().filter(|(class, _)| *class != label) {
            let of_pair = judged.iter().filter(|i| labels[**i] == label && best(&probabilities[**i]).0 == class);
            let mut found: Vec<(usize, Suspect)> =
                of_pair.filter_map(|i| Some((*i, suspect(&probabilities[*i], label, class)?))).collect();
            found.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
            for (i, suspect) in found.into_iter().take(due.round() as usize) {
                suspects[i].get_or_insert(suspect);
            }
        }
    }
    let off_diagonal = |(label, row): (usize, &Vec<f64>)| row.iter().sum::<f64>() - row[label];
    let wrong: f64 = joint.iter().enumerate().map(off_diagonal).sum();
    let share = if judged.is_empty() { 0.0 } else { wrong / judged.len() as f64 };
    Noise { suspects, joint, share }
}

/// A label that another class exceeds.
fn suspect(row: &[f32], label: usize, class: usize) -> Option<Suspect> {
    let score = f64::from(row[class] - row[label]).min(1.0);
    (score > 0.0).then_some(Suspect { class, score })
}

/// The mean probability of each class among those labelled with it; out of reach for a class without any.
fn thresholds(labels: &[usize], probabilities: &[Vec<f32>], judged: &[usize], classes: usize) -> Vec<f32> {
    let mut sums = vec![(0.0f64, 0u32); classes];
    for &i in judged {
        let (sum, count) = &mut sums[labels[i]];
        *sum += f64::from(probabilities[i][labels[i]]);
        *count += 1;
    }
    sums.into_iter().map(|(sum, count)| if count == 0 { 2.0 } else { (sum / f64::from(count)) as f32 }).collect()
}

/// Scales each row to the number of samples with that label; a row of zeros becomes all of its own class.
fn calibrate(joint: &mut [Vec<f64>], labels: &[usize], judged: &[usize]) {
    for (label, row) in joint.iter_mut().enumerate() {
        let due = judged.iter().filter(|i| labels[**i] == label).count() as f64;
        let sum: f64 = row.iter().sum();
        if sum > 0.0 {
            row.iter_mut().for_each(|n| *n *= due / sum);
        } else {
            row[label] = due;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ninety of each of two classes that the model tells apart, some of which are labelled wrong.
    fn planted(wrong: usize) -> (Vec<usize>, Vec<Vec<f32>>) {
        let truth = (0..180).map(|i| i % 2);
        let labels = (0..180).map(|i| if i < wrong { 1 - i % 2 } else { i % 2 }).collect();
        let probabilities = truth.enumerate().map(|(i, class)| {
            let sure = 0.8 + 0.001 * (i % 20) as f32;
            if class == 0 { vec![sure, 1.0 - sure] } else { vec![1.0 - sure, sure] }
        });
        (labels, probabilities.collect())
    }

    #[test]
    fn planted_errors_are_found_and_counted() {
        let (labels, probabilities) = planted(18);
        let noise = find(&labels, &probabilities, 2);
        let found: Vec<usize> = (0..180).filter(|i| noise.suspects[*i].is_some()).collect();
        assert_eq!(found, (0..18).collect::<Vec<_>>());
        assert_eq!(noise.suspects[0].expect("found").class, 0);
        assert!((noise.share - 0.1).abs() < 0.02, "{}", noise.share);
        let all: f64 = noise.joint.iter().flatten().sum();
        assert!((all - 180.0).abs() < 1e-6);
    }

    #[test]
    fn clean_labels_are_left_alone() {
        let (labels, probabilities) = planted(0);
        let noise = find(&labels, &probabilities, 2);
        assert!(noise.suspects.iter().all(Option::is_none));
        assert_eq!(noise.share, 0.0);
    }

    #[test]
    fn a_class_of_which_the_model_is_never_sure_is_judged_by_its_own_measure() {
        // Class 1 gets 0.4 at best: its samples are not all errors.
        let labels = [0, 0, 0, 1, 1, 1];
        let rows = [0.9, 0.92, 0.88, 0.6, 0.62, 0.58].map(|p: f32| vec![p, 1.0 - p]);
        assert!(find(&labels, &rows, 2).suspects.iter().all(Option::is_none));
    }

    #[test]
    fn rows_that_are_none_are_not_judged() {
        let labels = [0, 1, 0];
        let rows = [vec![f32::NAN, 0.5], vec![], vec![0.9, 0.1]];
        let noise = find(&labels, &rows, 2);
        assert!(noise.suspects.iter().all(Option::is_none));
        assert_eq!(find(&[], &[], 3).share, 0.0);
    }
}
