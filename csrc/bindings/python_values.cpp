#include "bindings/python_values.h"

#include "bindings/gil.h"

namespace py = pybind11;

namespace fastnn {
namespace {

py::object attribute_value(const AttributeInfo& attribute, const Attributes& attributes) {
  const unsigned char* place = attributes.bytes + attribute.offset;
  const int64_t* integer = reinterpret_cast<const int64_t*>(place);
  switch (attribute.kind) {
    case AttributeKind::integer:
      return py::int_(*integer);
    case AttributeKind::real:
      return py::float_(*reinterpret_cast<const double*>(place));
    case AttributeKind::boolean:
      return py::bool_(*integer != 0);
    case AttributeKind::code:
      return py::str(attribute.codes().names[*integer]);
    case AttributeKind::dtype:
      return py::str(dtype_name(static_cast<DType>(*integer)));
    case AttributeKind::text:
      return py::str(reinterpret_cast<const char*>(place));
    case AttributeKind::axes: {
      py::list axes;
      for (int axis = 0; axis < kMaxRank; ++axis)
        if (*integer >> axis & 1) axes.append(axis);
      return py::tuple(axes);
    }
    case AttributeKind::reals: {
      const double* reals = reinterpret_cast<const double*>(place);
      py::tuple values(integer[0]);
      for (int64_t i = 0; i < integer[0]; ++i) values[i] = reals[1 + i];
      return values;
    }
    case AttributeKind::integers:
      break;
  }
  py::tuple values(integer[0]);
  for (int64_t i = 0; i < integer[0]; ++i) values[i] = integer[1 + i];
  return values;
}

}  // namespace

py::object call_python(const py::object& function, const py::tuple& arguments,
                       const py::dict& keywords) {
  PyObject* result = outlive_python(
      [&] { return PyObject_Call(function.ptr(), arguments.ptr(), keywords.ptr()); });
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

py::dict attribute_values(const Call& call) {
  py::dict values;
  for (const AttributeInfo& attribute : call.primitive->attributes)
    values[attribute.name] = attribute_value(attribute, call.attributes);
  return values;
}

}  // namespace fastnn
