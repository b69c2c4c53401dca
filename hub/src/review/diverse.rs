//! A batch that is not a hundred of the same: pure.
//!
//! Greedy: the next is always the candidate with the highest value times its distance to those already
//! chosen (value-weighted farthest-point selection), and of each group one at most. When all groups have
//! had their turn, the rest fills up by value: nothing valuable is held back for ever.

use pilah_models::vectors;

/// A sample that may come into a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub sample: String,
    /// Which others show the same thing.
    pub group: String,
    /// What its review is expected to bring, 0 to 1.
    pub value: f64,
    /// Its embedding, if there is one.
    pub embedding: Option<Vec<f32>>,
}

/// Something that looks exactly like what is chosen already keeps this share of its value: it may be
/// another object all the same.
const LEAST_KEPT: f64 = 0.1;

/// Chooses at most `count` of the candidates and gives their places, the most valuable first.
#[must_use]
pub fn choose(candidates: &[Candidate], count: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::with_capacity(count.min(candidates.len()));
    let mut is_free = vec![true; candidates.len()];
    // 1 − the highest cosine to anything chosen.
    let mut distance = vec![1.0f64; candidates.len()];
    let norms: Vec<f32> =
        candidates.iter().map(|c| c.embedding.as_deref().map_or(0.0, vectors::inverse_norm)).collect();
    while chosen.len() < count {
        let worth = |i: usize| candidates[i].value * (LEAST_KEPT + (1.0 - LEAST_KEPT) * distance[i]);
        let free = (0..candidates.len()).filter(|i| is_free[*i]);
        let Some(next) = free.max_by(|a, b| worth(*a).total_cmp(&worth(*b)).then_with(|| b.cmp(a))) else { break };
        for (other, candidate) in candidates.iter().enumerate() {
            is_free[other] &= candidate.group != candidates[next].group;
        }
        chosen.push(next);
        let Some(new) = candidates[next].embedding.as_deref() else { continue };
        for (other, candidate) in candidates.iter().enumerate() {
            if let Some(old) = candidate.embedding.as_deref().filter(|old| old.len() == new.len()) {
                let cosine = f64::from(vectors::dot(new, old) * norms[next] * norms[other]);
                distance[other] = distance[other].min((1.0 - cosine).clamp(0.0, 1.0));
            }
        }
    }
    if chosen.len() < count {
        let mut rest: Vec<usize> = (0..candidates.len()).filter(|i| !chosen.contains(i)).collect();
        rest.sort_by(|a, b| candidates[*b].value.total_cmp(&candidates[*a].value));
        chosen.extend(rest.into_iter().take(count - chosen.len()));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(group: &str, value: f64, embedding: Option<[f32; 2]>) -> Candidate {
        let embedding = embedding.map(|row| row.to_vec());
        Candidate { sample: String::new(), group: group.into(), value, embedding }
    }

    #[test]
    fn a_group_has_one_place_until_all_have_had_theirs() {
        let candidates = [
            candidate("a", 0.9, None),
            candidate("a", 0.8, None),
            candidate("a", 0.7, None),
            candidate("b", 0.1, None),
        ];
        assert_eq!(choose(&candidates, 2), [0, 3]);
        assert_eq!(choose(&candidates, 3), [0, 3, 1]);
        assert_eq!(choose(&candidates, 9), [0, 3, 1, 2]);
        assert!(choose(&candidates, 0).is_empty() && choose(&[], 5).is_empty());
    }

    #[test]
    fn what_looks_the_same_comes_later() {
        let candidates = [
            candidate("a", 0.9, Some([1.0, 0.0])),
            candidate("b", 0.85, Some([1.0, 0.01])),
            candidate("c", 0.5, Some([0.0, 1.0])),
            candidate("d", 0.3, None),
        ];
        assert_eq!(choose(&candidates, 4), [0, 2, 3, 1]);
    }

    #[test]
    fn embeddings_of_nothing_or_of_another_length_do_no_harm() {
        let candidates = [
            candidate("a", 0.9, Some([f32::NAN, 0.0])),
            candidate("b", 0.8, Some([0.0, 0.0])),
            Candidate { embedding: Some(vec![1.0]), ..candidate("c", 0.7, None) },
        ];
        let mut chosen = choose(&candidates, 3);
        chosen.sort_unstable();
        assert_eq!(chosen, [0, 1, 2]);
    }
}
