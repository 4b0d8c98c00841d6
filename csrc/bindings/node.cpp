#include "bindings/node.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "bindings/errors.h"

namespace py = pybind11;

namespace fastnn {
namespace {

thread_local bool grad_mode = true;
std::atomic<uint64_t> next_sequence{1};

template <class Visit>
void for_each_saved_tensor(PyObject* saved, Visit visit) {
  if (!PyTuple_CheckExact(saved)) return;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(saved); ++i)
    if (is_tensor(PyTuple_GET_ITEM(saved, i))) visit(i, as_tensor(PyTuple_GET_ITEM(saved, i)));
}

int node_traverse(PyObject* self, visitproc visit, void* arg) {
  NodeObject* node = as_node(self);
  Py_VISIT(node->rule);
  Py_VISIT(node->saved);
  for (Py_ssize_t i = 0; i < node->edge_count; ++i) Py_VISIT(node->edges[i].target);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

int node_clear(PyObject* self) {
  NodeObject* node = as_node(self);
  Py_CLEAR(node->rule);
  Py_CLEAR(node->saved);
  for (Py_ssize_t i = 0; i < node->edge_count; ++i) Py_CLEAR(node->edges[i].target);
  return 0;
}

void node_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_TRASHCAN_BEGIN(self, node_dealloc) node_clear(self);
  PyMem_Free(as_node(self)->versions);
  PyMem_Free(as_node(self)->edges);
  type->tp_free(self);
  Py_DECREF(type);
  Py_TRASHCAN_END
}

PyObject* get_rule(PyObject* self, void*) {
  PyObject* rule = as_node(self)->rule;
  return Py_NewRef(rule ? rule : Py_None);
}

PyObject* get_sequence(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as_node(self)->sequence);
}

PyObject* get_output_count(PyObject* self, void*) {
  return PyLong_FromLong(as_node(self)->output_count);
}

PyObject* get_released(PyObject* self, void*) { return PyBool_FromLong(!as_node(self)->saved); }

PyObject* get_saved(PyObject* self, void*) { return saved_of(self); }

PyObject* get_needs(PyObject* self, void*) {
  NodeObject* node = as_node(self);
  PyObject* needs = PyTuple_New(node->edge_count);
  if (!needs) return nullptr;
  for (Py_ssize_t i = 0; i < node->edge_count; ++i)
    PyTuple_SET_ITEM(needs, i, PyBool_FromLong(node->edges[i].target != nullptr));
  return needs;
}

PyObject* get_parents(PyObject* self, void*) {
  NodeObject* node = as_node(self);
  PyObject* parents = PyTuple_New(node->edge_count);
  if (!parents) return nullptr;
  for (Py_ssize_t i = 0; i < node->edge_count; ++i) {
    const Edge& edge = node->edges[i];
    PyObject* parent;
    if (!edge.target)
      parent = Py_NewRef(Py_None);
    else if (Py_TYPE(edge.target) == node_type)
      parent = Py_BuildValue("(Oi)", edge.target, edge.output_index);
    else
      parent = Py_NewRef(edge.target);
    if (!parent) {
      Py_DECREF(parents);
      return nullptr;
    }
    PyTuple_SET_ITEM(parents, i, parent);
  }
  return parents;
}

PyObject* node_parent_shape(PyObject* self, PyObject* index) {
  const Py_ssize_t i = PyLong_AsSsize_t(index);
  if (i == -1 && PyErr_Occurred()) return nullptr;
  if (i < 0 || i >= as_node(self)->edge_count) {
    PyErr_SetString(PyExc_IndexError, "parent_shape: no such parent");
    return nullptr;
  }
  const Edge& edge = as_node(self)->edges[i];
  Array array;
  array.rank = edge.rank;
  std::copy(edge.shape, edge.shape + edge.rank, array.shape);
  return shape_object(array);
}

PyObject* node_release(PyObject* self, PyObject*) {
  Py_CLEAR(as_node(self)->saved);
  Py_RETURN_NONE;
}

PyGetSetDef node_getset[] = {
    {"rule", get_rule, nullptr, "The gradient rule: f(node, gradient).", nullptr},
    {"sequence", get_sequence, nullptr, "Larger for operations recorded later.", nullptr},
    {"output_count", get_output_count, nullptr, "How many results the operation has.", nullptr},
    {"released", get_released, nullptr, "Whether what it saved was freed.", nullptr},
    {"saved", get_saved, nullptr, "What the rule saved; checked for later writes.", nullptr},
    {"needs", get_needs, nullptr, "For each parent: is its gradient wanted?", nullptr},
    {"parents", get_parents, nullptr, "Leaf Tensor, (Node, output index) or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef node_methods[] = {{"parent_shape", node_parent_shape, METH_O, "The shape of parent i."},
                              {"release", node_release, METH_NOARGS, "Frees what the rule saved."},
                              {nullptr, nullptr, 0, nullptr}};

// The node takes part in the graph through the outputs it is set on.
void attach(PyObject* result, NodeObject* node, int32_t index) {
  TensorObject* tensor = as_tensor(result);
  Py_INCREF(reinterpret_cast<PyObject*>(node));
  Py_XSETREF(tensor->node, reinterpret_cast<PyObject*>(node));
  tensor->output_index = index;
  tensor->requires_grad = is_float(tensor->array.dtype);
  if (!PyObject_GC_IsTracked(result)) PyObject_GC_Track(result);
}

bool is_one_of(PyObject* results, PyObject* item) {
  if (!PyTuple_CheckExact(results)) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(results); ++i)
    if (PyTuple_GET_ITEM(results, i) == item) return is_tensor(item);
  return false;
}

// `saved`, with a detached twin in the place of a result: a result that is kept by its own node
// would wait for the garbage collector.
py::object without_cycle(PyObject* result, PyObject* saved) {
  py::object kept = py::reinterpret_borrow<py::object>(saved);
  if (!PyTuple_CheckExact(saved)) return kept;
  const Py_ssize_t count = PyTuple_GET_SIZE(saved);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = PyTuple_GET_ITEM(saved, i);
    const bool own = item == result || is_one_of(result, item);
    if (!own) continue;
    if (kept.ptr() == saved) {
      kept = py::reinterpret_steal<py::object>(PyTuple_New(count));
      if (!kept) return kept;
      for (Py_ssize_t j = 0; j < count; ++j)
        PyTuple_SET_ITEM(kept.ptr(), j, Py_NewRef(PyTuple_GET_ITEM(saved, j)));
    }
    const Array& array = as_tensor(item)->array;
    PyObject* twin = view_of(as_tensor(item), array.rank, array.shape, 0);
    if (!twin) return py::object();
    Py_DECREF(PyTuple_GET_ITEM(kept.ptr(), i));
    PyTuple_SET_ITEM(kept.ptr(), i, twin);
  }
  return kept;
}

PyObject* record_call(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count < 3) {
    PyErr_SetString(PyExc_TypeError, "record: expected result, rule, saved and the parents");
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    if (!record(args[0], args[1], args[2], args + 3, count - 3)) return nullptr;
    return Py_NewRef(args[0]);
  });
}

// other_output(result, index): a Tensor in a result's memory that stands for another output of the
// operation that it came from; for the tape alone, as its values are the result's.
PyObject* other_output(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    NodeObject* node = count == 2 && is_tensor(args[0]) && as_tensor(args[0])->node
                           ? as_node(as_tensor(args[0])->node)
                           : nullptr;
    const long index = node ? PyLong_AsLong(args[1]) : 0;
    if (index == -1 && PyErr_Occurred()) return nullptr;
    if (!node || index < 0 || index >= node->output_count)
      throw Error(ErrorKind::type, "other_output: expected an operation's result, and an index");
    const Array& array = as_tensor(args[0])->array;
    PyObject* twin = view_of(as_tensor(args[0]), array.rank, array.shape, 0);
    if (twin) attach(twin, node, static_cast<int32_t>(index));
    return twin;
  });
}

PyObject* is_grad_enabled_call(PyObject*, PyObject*) { return PyBool_FromLong(grad_mode); }

PyObject* set_grad_enabled_call(PyObject*, PyObject* value) {
  const int wanted = PyObject_IsTrue(value);
  if (wanted < 0) return nullptr;
  const bool previous = grad_mode;
  grad_mode = wanted;
  return PyBool_FromLong(previous);
}

PyMethodDef functions[] = {
    {"record", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(record_call)),
     METH_FASTCALL, "record(result, rule, saved, *parents) -> result, noted for back-propagation."},
    {"other_output", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(other_output)),
     METH_FASTCALL, "other_output(result, index) -> a Tensor that stands for another output."},
    {"is_grad_enabled", is_grad_enabled_call, METH_NOARGS,
     "Whether this thread notes operations for back-propagation."},
    {"set_grad_enabled", set_grad_enabled_call, METH_O,
     "Sets whether this thread notes operations; returns the previous value."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyTypeObject* node_type = nullptr;

PyObject* saved_of(PyObject* self) {
  NodeObject* node = as_node(self);
  if (!node->saved) {
    PyErr_SetString(PyExc_RuntimeError,
                    "backward: what this graph saved was freed by an earlier backward; run the "
                    "forward computation again");
    return nullptr;
  }
  TensorObject* changed = nullptr;
  for_each_saved_tensor(node->saved, [&](Py_ssize_t i, TensorObject* tensor) {
    if (tensor->array.block->version != node->versions[i]) changed = tensor;
  });
  if (changed) {
    py::object name = py::getattr(as_object(changed), "name", py::str("a tensor"));
    PyErr_Format(PyExc_RuntimeError,
                 "backward: %S was written in place after an operation had saved it", name.ptr());
    return nullptr;
  }
  return Py_NewRef(node->saved);
}

bool grad_enabled() { return grad_mode; }

bool record(PyObject* result, PyObject* rule, PyObject* saved, PyObject* const* parents,
            Py_ssize_t count) {
  if (!grad_mode || std::none_of(parents, parents + count, requires_grad)) return true;
  const bool several = PyTuple_CheckExact(result);
  if (!several && !is_tensor(result)) {
    PyErr_SetString(PyExc_TypeError, "record: the result must be a Tensor or a tuple of Tensors");
    return false;
  }
  py::object kept = without_cycle(result, saved);
  if (!kept) return false;
  saved = kept.ptr();
  NodeObject* node = PyObject_GC_New(NodeObject, node_type);
  if (!node) return false;
  node->sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
  node->rule = Py_NewRef(rule);
  node->saved = Py_NewRef(saved);
  node->versions = nullptr;
  node->edge_count = 0;
  node->edges = static_cast<Edge*>(PyMem_Malloc(sizeof(Edge) * (count ? count : 1)));
  node->output_count = several ? static_cast<int32_t>(PyTuple_GET_SIZE(result)) : 1;
  py::object owner = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(node));
  if (PyTuple_CheckExact(saved) && PyTuple_GET_SIZE(saved) > 0)
    node->versions =
        static_cast<uint64_t*>(PyMem_Malloc(sizeof(uint64_t) * PyTuple_GET_SIZE(saved)));
  if (!node->edges || (PyTuple_CheckExact(saved) && PyTuple_GET_SIZE(saved) && !node->versions)) {
    PyErr_NoMemory();
    return false;
  }
  for_each_saved_tensor(saved, [&](Py_ssize_t i, TensorObject* tensor) {
    node->versions[i] = tensor->array.block->version;
  });
  for (Py_ssize_t i = 0; i < count; ++i) {
    Edge& edge = node->edges[i];
    edge.target = nullptr;
    edge.output_index = 0;
    edge.rank = 0;
    if (requires_grad(parents[i])) {
      TensorObject* parent = as_tensor(parents[i]);
      edge.target = Py_NewRef(parent->node ? parent->node : parents[i]);
      edge.output_index = parent->output_index;
      edge.rank = parent->array.rank;
      std::copy(parent->array.shape, parent->array.shape + edge.rank, edge.shape);
    }
    node->edge_count = i + 1;
  }
  PyObject_GC_Track(reinterpret_cast<PyObject*>(node));
  if (!several) {
    attach(result, node, 0);
    return true;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(result); ++i)
    if (is_tensor(PyTuple_GET_ITEM(result, i)))
      attach(PyTuple_GET_ITEM(result, i), node, static_cast<int32_t>(i));
  return true;
}

void register_node(py::handle module) {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("One differentiable operation on the tape.")},
      {Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(node_traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(node_clear)},
      {Py_tp_getset, node_getset},
      {Py_tp_methods, node_methods},
      {0, nullptr}};
  PyType_Spec spec = {"fastnn._core.Node", sizeof(NodeObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                      slots};
  node_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!node_type) throw py::error_already_set();
  module.attr("Node") = py::handle(reinterpret_cast<PyObject*>(node_type));
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
