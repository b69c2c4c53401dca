//! All that lies in a graph, in the graphs within it as well.

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::OnnxError;

type Visit<'a, T> = &'a mut dyn FnMut(&mut T) -> Result<(), OnnxError>;

/// Visits every tensor that is kept in a graph.
pub(super) fn tensors(graph: &mut GraphProto, visit: Visit<'_, TensorProto>) -> Result<(), OnnxError> {
    graphs(graph, &mut |graph| {
        graph.initializer.iter_mut().try_for_each(&mut *visit)?;
        for sparse in &mut graph.sparse_initializer {
            sparse.values.iter_mut().chain(&mut sparse.indices).try_for_each(&mut *visit)?;
        }
        for attribute in attributes(graph) {
            attribute.t.iter_mut().chain(&mut attribute.tensors).try_for_each(&mut *visit)?;
            for sparse in attribute.sparse_tensor.iter_mut().chain(&mut attribute.sparse_tensors) {
                sparse.values.iter_mut().chain(&mut sparse.indices).try_for_each(&mut *visit)?;
            }
        }
        Ok(())
    })
}

/// Visits every node.
pub(super) fn nodes(graph: &mut GraphProto, visit: Visit<'_, NodeProto>) -> Result<(), OnnxError> {
    graphs(graph, &mut |graph| graph.node.iter_mut().try_for_each(&mut *visit))
}

/// Visits a graph and those within it.
pub(super) fn graphs(graph: &mut GraphProto, visit: Visit<'_, GraphProto>) -> Result<(), OnnxError> {
    visit(graph)?;
    for attribute in attributes(graph) {
        attribute.g.iter_mut().chain(&mut attribute.graphs).try_for_each(|inner| graphs(inner, visit))?;
    }
    Ok(())
}

fn attributes(graph: &mut GraphProto) -> impl Iterator<Item = &mut AttributeProto> {
    graph.node.iter_mut().flat_map(|node| &mut node.attribute)
}
