//! A layer of LSTM cells over a whole sequence, as one operation with its own backward pass.
//!
//! Source of the equations: Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of
//! Gers, 2000. What does not depend on the step before is one product over all steps: the inputs' share of the
//! gates, and the gradients of all weights. Sequences are by step, then by row of the batch.

use std::ops::Range;

use super::matrix::{View, multiply};

/// The sizes of a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Numbers per step that come in.
    pub(super) inputs: usize,
    /// Cells, so numbers per step that go out.
    pub(super) cells: usize,
}

impl Shape {
    /// The weights of inputs, of the layer's own outputs, and the biases, each for the four gates of all cells
    /// side by side: input, forget, output, candidate.
    pub(super) fn parameters(self) -> usize {
        self.gates() * (self.inputs + self.cells + 1)
    }

    fn gates(self) -> usize {
        4 * self.cells
    }

    fn of_inputs(self) -> Range<usize> {
        0..self.inputs * self.gates()
    }

    fn of_outputs(self) -> Range<usize> {
        let start = self.inputs * self.gates();
        start..start + self.cells * self.gates()
    }

    /// Where the biases of a gate are among the parameters.
    pub(super) fn biases(self) -> Range<usize> {
        self.parameters() - self.gates()..self.parameters()
    }

    /// Where the biases of the forget gates are.
    pub(super) fn forget_biases(self) -> Range<usize> {
        let start = self.biases().start + self.cells;
        start..start + self.cells
    }
}

/// What a forward pass leaves for the backward pass, reused from batch to batch.
#[derive(Debug)]
pub(super) struct Layer {
    shape: Shape,
    steps: usize,
    rows: usize,
    /// The gates after their activation, (steps, rows, 4 · cells); in the backward pass their gradients.
    gates: Vec<f32>,
    /// The cells before the first and after each step, (steps + 1, rows, cells).
    cells: Vec<f32>,
    /// Their hyperbolic tangents after each step.
    squashed: Vec<f32>,
    /// What goes out, before the first and after each step, (steps + 1, rows, cells).
    outputs: Vec<f32>,
}

impl Layer {
    pub(super) fn new(shape: Shape, steps: usize, rows: usize) -> Self {
        let size = rows * shape.cells;
        Self {
            shape,
            steps,
            rows,
            gates: vec![0.0; steps * rows * shape.gates()],
            cells: vec![0.0; (steps + 1) * size],
            squashed: vec![0.0; steps * size],
            outputs: vec![0.0; (steps + 1) * size],
        }
    }

    /// What goes out, (steps, rows, cells).
    pub(super) fn outputs(&self) -> &[f32] {
        &self.outputs[self.rows * self.shape.cells..]
    }

    /// Runs over a sequence (steps, rows, inputs).
    pub(super) fn forward(&mut self, weights: &[f32], inputs: &[f32]) {
        let Shape { cells, inputs: width, .. } = self.shape;
        let (wide, size) = (4 * cells, self.rows * cells);
        for row in self.gates.chunks_exact_mut(wide) {
            row.copy_from_slice(&weights[self.shape.biases()]);
        }
        let of_inputs = View::new(&weights[self.shape.of_inputs()], width, wide);
        multiply(&mut self.gates, true, View::new(inputs, self.steps * self.rows, width), of_inputs);
        let of_outputs = View::new(&weights[self.shape.of_outputs()], cells, wide);
        for step in 0..self.steps {
            let gates = &mut self.gates[step * self.rows * wide..][..self.rows * wide];
            let (before, after) = self.outputs.split_at_mut((step + 1) * size);
            multiply(gates, true, View::new(&before[step * size..], self.rows, cells), of_outputs);
            let (cells_before, cells_after) = self.cells.split_at_mut((step + 1) * size);
            let squashed = &mut self.squashed[step * size..][..size];
            for row in 0..self.rows {
                let at = row * cells..(row + 1) * cells;
                let gates = &mut gates[row * wide..][..wide];
                activate(gates, cells);
                let (input, rest) = gates.split_at(cells);
                let (forget, rest) = rest.split_at(cells);
                let (output, candidate) = rest.split_at(cells);
                let old = &cells_before[step * size..][at.clone()];
                let new = &mut cells_after[at.clone()];
                for cell in 0..cells {
                    new[cell] = forget[cell] * old[cell] + input[cell] * candidate[cell];
                }
                let squashed = &mut squashed[at.clone()];
                for cell in 0..cells {
                    squashed[cell] = tanh(new[cell]);
                }
                let after = &mut after[at];
                for cell in 0..cells {
                    after[cell] = output[cell] * squashed[cell];
                }
            }
        }
    }

    /// Given the gradient by what went out, (steps, rows, cells), adds the gradient by the weights, and writes
    /// that by the inputs if it is wanted. The layer must have run forward on `inputs`; its gates are used up.
    pub(super) fn backward(
        &mut self,
        weights: &[f32],
        inputs: &[f32],
        by_outputs: &[f32],
        by_weights: &mut [f32],
        by_inputs: Option<&mut [f32]>,
    ) {
        let Shape { cells, inputs: width, .. } = self.shape;
        let (wide, size) = (4 * cells, self.rows * cells);
        let of_outputs = View::new(&weights[self.shape.of_outputs()], cells, wide);
        let (mut by_output, mut by_cell) = (vec![0.0; size], vec![0.0; size]);
        for step in (0..self.steps).rev() {
            let gates = &mut self.gates[step * self.rows * wide..][..self.rows * wide];
            for (sum, by) in by_output.iter_mut().zip(&by_outputs[step * size..][..size]) {
                *sum += by;
            }
            for row in 0..self.rows {
                let at = row * cells..(row + 1) * cells;
                let gates = &mut gates[row * wide..][..wide];
                let (input, rest) = gates.split_at_mut(cells);
                let (forget, rest) = rest.split_at_mut(cells);
                let (output, candidate) = rest.split_at_mut(cells);
                let old = &self.cells[step * size..][at.clone()];
                let squashed = &self.squashed[step * size..][at.clone()];
                let by_output = &by_output[at.clone()];
                let by_cell = &mut by_cell[at];
                for cell in 0..cells {
                    let (i, f, o, g) = (input[cell], forget[cell], output[cell], candidate[cell]);
                    let squashed = squashed[cell];
                    let inner = by_cell[cell] + by_output[cell] * o * (1.0 - squashed * squashed);
                    output[cell] = by_output[cell] * squashed * o * (1.0 - o);
                    input[cell] = inner * g * i * (1.0 - i);
                    forget[cell] = inner * old[cell] * f * (1.0 - f);
                    candidate[cell] = inner * i * (1.0 - g * g);
                    by_cell[cell] = inner * f;
                }
            }
            multiply(&mut by_output, false, View::new(gates, self.rows, wide), of_outputs.transposed());
        }
        let all = self.steps * self.rows;
        let by_gates = View::new(&self.gates, all, wide);
        let inputs = View::new(inputs, all, width);
        multiply(&mut by_weights[self.shape.of_inputs()], true, inputs.transposed(), by_gates);
        let before = View::new(&self.outputs[..self.steps * size], all, cells);
        multiply(&mut by_weights[self.shape.of_outputs()], true, before.transposed(), by_gates);
        let by_biases = &mut by_weights[self.shape.biases()];
        for row in self.gates.chunks_exact(wide) {
            by_biases.iter_mut().zip(row).for_each(|(sum, by)| *sum += by);
        }
        if let Some(by_inputs) = by_inputs {
            let of_inputs = View::new(&weights[self.shape.of_inputs()], width, wide);
            multiply(by_inputs, false, by_gates, of_inputs.transposed());
        }
    }
}

/// Sigmoid on the first three gates, tanh on the candidate.
fn activate(gates: &mut [f32], cells: usize) {
    let (sigmoid, candidate) = gates.split_at_mut(3 * cells);
    for gate in sigmoid {
        *gate = 0.5 + 0.5 * tanh(0.5 * *gate);
    }
    for gate in candidate {
        *gate = tanh(*gate);
    }
}

/// The hyperbolic tangent to 3e-7: the quotient of polynomials that Eigen uses, without branches, so that the
/// compiler turns a loop of it into vector instructions.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-7.9, 7.9);
    let square = x * x;
    let mut top = -2.760_768_5e-16;
    for coefficient in [2.000_188e-13, -8.604_672e-11, 5.122_297e-8, 1.485_722_4e-5, 6.372_619e-4, 4.893_525e-3] {
        top = top * square + coefficient;
    }
    let mut bottom = 1.198_258_4e-6;
    for coefficient in [1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3] {
        bottom = bottom * square + coefficient;
    }
    x * top / bottom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_that_of_the_library() {
        for i in -2000..2000 {
            let x = i as f32 * 0.006;
            assert!((tanh(x) - x.tanh()).abs() < 5e-7, "{x}: {} but {}", tanh(x), x.tanh());
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let shape = Shape { inputs: 2, cells: 3 };
        let (steps, rows) = (4, 2);
        let wave = |count: usize, by: f32| (0..count).map(|i| ((i * i) as f32 * by).sin() * 0.8).collect::<Vec<_>>();
        let weights = wave(shape.parameters(), 0.37);
        let inputs = wave(steps * rows * 2, 0.71);
        let pull = wave(steps * rows * 3, 0.53);
        let loss = |weights: &[f32], inputs: &[f32]| {
            let mut layer = Layer::new(shape, steps, rows);
            layer.forward(weights, inputs);
            layer.outputs().iter().zip(&pull).map(|(o, p)| f64::from(o * p)).sum::<f64>()
        };
        let mut layer = Layer::new(shape, steps, rows);
        layer.forward(&weights, &inputs);
        let (mut by_weights, mut by_inputs) = (vec![0.0; weights.len()], vec![0.0; inputs.len()]);
        layer.backward(&weights, &inputs, &pull, &mut by_weights, Some(&mut by_inputs));
        let check = |analytic: f32, loss: &dyn Fn(f32) -> f64| {
            let step = 4e-3;
            let numeric = (loss(step) - loss(-step)) / f64::from(2.0 * step);
            assert!((numeric - f64::from(analytic)).abs() < 1e-3, "{numeric} but {analytic}");
        };
        for (index, &analytic) in by_weights.iter().enumerate() {
            check(analytic, &|by| {
                let mut moved = weights.clone();
                moved[index] += by;
                loss(&moved, &inputs)
            });
        }
        for (index, &analytic) in by_inputs.iter().enumerate() {
            check(analytic, &|by| {
                let mut moved = inputs.clone();
                moved[index] += by;
                loss(&weights, &moved)
            });
        }
        assert!(by_weights.iter().any(|g| g.abs() > 0.1), "the check must see more than zeros");
    }
}
