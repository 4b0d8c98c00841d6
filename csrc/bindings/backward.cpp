// Back-propagation over the tape.
//
// Nodes are numbered as they are recorded, so the pending node with the largest number never waits
// for another one: a heap by number replaces recursion.

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "bindings/errors.h"
#include "bindings/node.h"

namespace py = pybind11;

namespace fastnn {
namespace {

py::object sum_of(py::handle a, py::handle b) { return steal(PyNumber_Add(a.ptr(), b.ptr())); }

class Backward {
 public:
  Backward(py::handle unbroadcast, py::handle rows) : unbroadcast_(unbroadcast), rows_(rows) {}

  // Adds a gradient to what an operand has got so far.
  void add(const Edge& edge, py::object part) {
    const bool leaf = Py_TYPE(edge.target) != node_type;
    if (is_tensor(part.ptr()))
      part = fitted(edge, part);
    else if (!leaf || !py::type::handle_of(part).is(rows_))
      throw Error(ErrorKind::type, std::string("backward: a gradient rule returned ") +
                                       Py_TYPE(part.ptr())->tp_name + ", expected a Tensor");
    if (leaf) {
      py::handle known = PyDict_GetItemWithError(leaves_.ptr(), edge.target);
      // The one that knows of the other kind comes first.
      if (known) part = is_tensor(part.ptr()) ? sum_of(known, part) : sum_of(part, known);
      if (PyDict_SetItem(leaves_.ptr(), edge.target, part.ptr()) < 0) throw py::error_already_set();
      return;
    }
    NodeObject* node = as_node(edge.target);
    auto [entry, is_new] = pending_.try_emplace(node->sequence);
    Pending& pending = entry->second;
    if (is_new) {
      pending.node = py::reinterpret_borrow<py::object>(edge.target);
      pending.gradients.resize(static_cast<size_t>(node->output_count));
      heap_.push_back(node->sequence);
      std::push_heap(heap_.begin(), heap_.end());
    }
    py::object& known = pending.gradients[static_cast<size_t>(edge.output_index)];
    known = known ? sum_of(known, part) : std::move(part);
  }

  py::dict run() {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end());
      auto entry = pending_.find(heap_.back());
      heap_.pop_back();
      Pending pending = std::move(entry->second);
      pending_.erase(entry);
      visit(as_node(pending.node.ptr()), pending);
    }
    return leaves_;
  }

 private:
  struct Pending {
    py::object node;
    std::vector<py::object> gradients;  // one an output; null: none
  };

  // Operands that were repeated get the sum over the repetitions.
  py::object fitted(const Edge& edge, py::object part) const {
    const Array& array = as_tensor(part.ptr())->array;
    if (array.rank == edge.rank && std::equal(edge.shape, edge.shape + edge.rank, array.shape))
      return part;
    Array wanted;
    wanted.rank = edge.rank;
    std::copy(edge.shape, edge.shape + edge.rank, wanted.shape);
    return unbroadcast_(part, steal(shape_object(wanted)));
  }

  static py::object gradient_argument(Pending& pending) {
    if (pending.gradients.size() == 1) return std::move(pending.gradients[0]);
    py::tuple gradients(pending.gradients.size());
    for (size_t i = 0; i < pending.gradients.size(); ++i)
      gradients[i] = pending.gradients[i] ? pending.gradients[i] : py::object(py::none());
    return std::move(gradients);
  }

  static Device device_of(PyObject* gradient) {
    if (PyTuple_CheckExact(gradient))
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(gradient); ++i)
        if (is_tensor(PyTuple_GET_ITEM(gradient, i)))
          return device_of(PyTuple_GET_ITEM(gradient, i));
    return is_tensor(gradient) ? as_tensor(gradient)->array.block->device : current_device();
  }

  void visit(NodeObject* node, Pending& pending) {
    if (!node->saved)
      throw Error(ErrorKind::runtime,
                  "backward: the graph was freed by an earlier backward; run the forward "
                  "computation again");
    py::object gradient = gradient_argument(pending);
    const ThreadDevice there(device_of(gradient.ptr()));  // for what the rule makes on its way
    PyObject* arguments[] = {pending.node.ptr(), gradient.ptr()};
    py::object results = steal(PyObject_Vectorcall(node->rule, arguments, 2, nullptr));
    Py_CLEAR(node->saved);
    const bool several = PyTuple_CheckExact(results.ptr());
    const Py_ssize_t count = several ? PyTuple_GET_SIZE(results.ptr()) : 1;
    if (count != node->edge_count)
      throw Error(ErrorKind::runtime, "backward: a gradient rule returned " +
                                          std::to_string(count) + " gradients for " +
                                          std::to_string(node->edge_count) + " operands");
    for (Py_ssize_t i = 0; i < count; ++i) {
      py::object part = py::reinterpret_borrow<py::object>(
          several ? PyTuple_GET_ITEM(results.ptr(), i) : results.ptr());
      if (node->edges[i].target && !part.is_none()) add(node->edges[i], std::move(part));
    }
  }

  py::handle unbroadcast_, rows_;
  py::dict leaves_;
  std::unordered_map<uint64_t, Pending> pending_;
  std::vector<uint64_t> heap_;
};

Edge edge_to(PyObject* root) {
  const TensorObject* tensor = as_tensor(root);
  Edge edge{tensor->node ? tensor->node : root, tensor->output_index, tensor->array.rank, {}};
  std::copy(tensor->array.shape, tensor->array.shape + edge.rank, edge.shape);
  return edge;
}

// propagate(roots, gradients, unbroadcast, rows) -> {leaf: gradient}. Two tuples of Tensors, the
// gradients of the roots' shapes; unbroadcast(gradient, shape) sums repeated axes; rows: the class
// of what a rule may return for a leaf in place of a Tensor.
PyObject* propagate(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 4 || !PyTuple_CheckExact(args[0]) || !PyTuple_CheckExact(args[1]) ||
        PyTuple_GET_SIZE(args[0]) != PyTuple_GET_SIZE(args[1]))
      throw Error(ErrorKind::type,
                  "propagate: expected roots, as many gradients, unbroadcast, rows");
    Backward backward(args[2], args[3]);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[0]); ++i) {
      PyObject* root = PyTuple_GET_ITEM(args[0], i);
      if (!is_tensor(root)) throw Error(ErrorKind::type, "propagate: a root is not a Tensor");
      backward.add(edge_to(root), py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(args[1], i)));
    }
    return backward.run().release().ptr();
  });
}

PyMethodDef functions[] = {
    {"propagate", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(propagate)),
     METH_FASTCALL, "propagate(roots, gradients, unbroadcast, rows) -> {leaf: gradient}."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_backward(py::handle module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
