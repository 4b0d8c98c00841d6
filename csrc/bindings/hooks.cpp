#include "bindings/hooks.h"

#include "bindings/errors.h"

namespace py = pybind11;

namespace fastnn {

Hooks hooks;

namespace {

struct Place {
  const char* name;
  PyObject* Hooks::* hook;
};
constexpr Place kPlaces[] = {{"binary", &Hooks::binary},
                             {"unary", &Hooks::unary},
                             {"dense", &Hooks::dense},
                             {"matmul", &Hooks::matmul},
                             {"getitem", &Hooks::getitem},
                             {"reduce", &Hooks::reduce},
                             {"reduce_method", &Hooks::reduce_method},
                             {"reshape", &Hooks::reshape},
                             {"transpose", &Hooks::transpose},
                             {"repr", &Hooks::repr},
                             {"matmul_rule", &Hooks::matmul_rule},
                             {"slice_rule", &Hooks::slice_rule},
                             {"reshape_rule", &Hooks::reshape_rule},
                             {"transpose_rule", &Hooks::transpose_rule},
                             {"extreme_rule", &Hooks::extreme_rule}};

void put(PyObject*& place, py::handle function) {
  if (!PyCallable_Check(function.ptr()))
    throw Error(ErrorKind::type,
                "set_hooks: expected functions, got " + std::string(py::repr(function)));
  Py_XSETREF(place, Py_NewRef(function.ptr()));
}

void put_rules(PyObject** places, CodeList codes, py::handle given) {
  if (!PyDict_Check(given.ptr()))
    throw Error(ErrorKind::type, "set_hooks: rules must be a dictionary");
  const auto rules = py::reinterpret_borrow<py::dict>(given);
  for (int op = 0; op < codes.count; ++op)
    if (rules.contains(codes.names[op])) put(places[op], rules[codes.names[op]]);
}

void put_named(const std::string& name, py::handle value) {
  if (name == "rules") return put_rules(hooks.rules, binary_codes(), value);
  for (const Place& place : kPlaces)
    if (name == place.name) return put(hooks.*place.hook, value);
  throw Error(ErrorKind::value, "set_hooks: there is no hook " + name);
}

// set_hooks(dict): see Hooks.
PyObject* set_hooks(PyObject*, PyObject* table) {
  return guarded([&]() -> PyObject* {
    if (!PyDict_Check(table))
      throw Error(ErrorKind::type,
                  std::string("set_hooks: expected a dictionary, got ") + Py_TYPE(table)->tp_name);
    for (auto [name, value] : py::reinterpret_borrow<py::dict>(table))
      put_named(py::str(name), value);
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {
    {"set_hooks", set_hooks, METH_O, "Sets the Python functions that operators call."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_hooks(py::handle module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
