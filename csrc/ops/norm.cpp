// row_norm and row_norm_backward: layer, RMS, group and instance normalization.
//
// x is seen as [batch, positions, groups, width]; an element of the batch has one mean and one
// variance a group, over positions and width. Layer normalization has one position and one group.
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 14;
constexpr int64_t kMostShares = 8;     // of groups, all batch together
constexpr int64_t kLeastColumns = 16;  // a cache line of float32

enum class Kind : int64_t { layer, rms };

CodeList norm_kinds() {
  static constexpr const char* names[] = {"layer", "rms"};
  return {names, 2};
}

struct View {
  int64_t batch, positions, groups, width;
  explicit View(const Array& x)
      : batch(x.shape[0]), positions(x.shape[1]), groups(x.shape[2]), width(x.shape[3]) {}
  int64_t columns() const { return groups * width; }
  bool rows() const { return positions == 1 && groups == 1; }
  // Elements of the batch that make a task, a multiple of `unit`.
  int64_t many(int64_t unit) const {
    return unit * units_per_task(positions * columns() * unit, kTaskElements);
  }
};

// Calls body(i, first group, groups) for every element of the batch; for some groups at a time when
// the batch alone is too short to be shared out.
template <class Body>
void for_groups(const View& view, Body&& body) {
  const int64_t size = view.positions * view.columns(), groups = view.groups;
  int64_t together = groups;
  if (view.batch < kMostShares && size >= 2 * kTaskElements) {
    together = ceil_div(groups, ceil_div(kMostShares, view.batch));
    const int64_t least = ceil_div(kLeastColumns, view.width);
    if (together < least) together = least < groups ? least : groups;
  }
  const int64_t pieces = ceil_div(groups, together);
  for_pieces(view.batch * pieces, units_per_task(size / pieces, kTaskElements),
             [&](int64_t begin, int64_t count) {
               for (int64_t unit = begin; unit < begin + count; ++unit) {
                 const int64_t first = unit % pieces * together, left = groups - first;
                 body(unit / pieces, first, left < together ? left : together);
               }
             });
}

void check_columns(const Call& call, int x, int operand) {
  if (!call.has(operand)) return;
  check_same_dtype(call, x, operand);
  const Array& row = call.operand(operand);
  const int64_t columns = View(call.operand(x)).columns();
  if (row.rank != 1 || row.shape[0] != columns)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(row) + " but " +
             operand_name(call, x) + " with shape " + shape_text(call.operand(x)) + " has " +
             std::to_string(columns) + " columns");
}

char* data_or_null(const Call& call, int operand) {
  return call.has(operand) ? call.operand(operand).data : nullptr;
}

// The part of an array that may be absent, `elements` from its start.
char* part(char* data, int64_t elements, int64_t item) {
  return data ? data + elements * item : nullptr;
}

namespace forward {
enum { Y, Mean, Rstd, X, Gamma, Beta, Scratch };

struct Attributes {
  int64_t kind;
  double epsilon;
};

void infer(Call& call) {
  check_float(call, X);
  check_rank(call, X, 4);
  check_columns(call, X, Gamma);
  check_columns(call, X, Beta);
  const Array x = call.operand(X);
  const View view(x);
  const int64_t shape[] = {view.batch, view.groups};
  const bool centred = call.attributes.as<Attributes>().kind == static_cast<int64_t>(Kind::layer);
  call.resize(Mean, centred ? 1 : 0);
  if (!view.rows()) {
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, view.batch * 2 * view.columns() * item_size(x.dtype));
  }
  call.set_output_like(Y, x);
  if (centred) call.set_output(Mean, x.dtype, 2, shape);
  call.set_output(Rstd, x.dtype, 2, shape);
}

Status run(const Call& call) {
  const Array& x = call.operand(X);
  const View view(x);
  const int dtype = static_cast<int>(x.dtype);
  const int64_t item = item_size(x.dtype), size = view.positions * view.columns();
  if (x.size() == 0) {  // nothing to be averaged
    for (int j : {int{Mean}, int{Rstd}})
      if (call.has(j))
        memset(call.operand(j).data, 0, static_cast<size_t>(call.operand(j).bytes()));
    return {};
  }
  char *y = call.operand(Y).data, *mean = data_or_null(call, Mean), *rstd = call.operand(Rstd).data;
  const double epsilon = call.attributes.as<Attributes>().epsilon;
  const auto from = [&](int64_t i, int64_t group) {
    const int64_t column = group * view.width;
    return NormForward{x.data + (i * size + column) * item,
                       part(data_or_null(call, Gamma), column, item),
                       part(data_or_null(call, Beta), column, item),
                       epsilon,
                       y + (i * size + column) * item,
                       part(mean, i * view.groups + group, item),
                       part(rstd, i * view.groups + group, item)};
  };
  if (view.rows()) {
    for_pieces(view.batch, view.many(1), [&](int64_t first, int64_t count) {
      const NormForward rows = from(first, 0);
      kernels().norm.rows[dtype](&rows, count, view.width);
    });
    return {};
  }
  for_groups(view, [&](int64_t i, int64_t group, int64_t count) {
    const NormForward some = from(i, group);
    const NormColumns columns = {view.positions, view.columns(), count, view.width};
    const int64_t before = i * view.columns() + group * view.width;
    kernels().norm.groups[dtype](&some, &columns, call.operand(Scratch).data + 2 * before * item);
  });
  return {};
}
}  // namespace forward

namespace backward {
enum { Dx, Dgamma, Dbeta, Dy, X, Mean, Rstd, Gamma, Scratch };

struct Attributes {
  int64_t want_dx, want_dgamma, want_dbeta;
};

// The scratch memory: a row of dgamma and of dbeta for every block of the batch, four rows for
// every element of it when there are groups, and what adding up the blocks asks for.
struct Layout {
  int64_t unit, blocks, row_bytes;
  explicit Layout(const View& view, DType dtype)
      : unit(view.rows() ? kNormBlock : 1),
        blocks(ceil_div(view.batch, unit)),
        row_bytes(view.columns() * item_size(dtype)) {}
  ReducePass pass(const View& view) const { return {1, blocks, view.columns()}; }
};

void infer(Call& call) {
  const Attributes wanted = call.attributes.as<Attributes>();
  check_float(call, Dy);
  check_rank(call, Dy, 4);
  check_same_dtype(call, Dy, X);
  check_same_shape(call, Dy, X);
  check_columns(call, X, Gamma);
  const Array x = call.operand(X);
  const View view(x);
  for (int j : {int{Mean}, int{Rstd}}) {
    if (!call.has(j)) continue;
    check_same_dtype(call, Dy, j);
    const Array& numbers = call.operand(j);
    if (numbers.rank != 2 || numbers.shape[0] != view.batch || numbers.shape[1] != view.groups)
      fail(ErrorKind::value, call,
           operand_name(call, j) + " has shape " + shape_text(numbers) + ", expected (" +
               std::to_string(view.batch) + ", " + std::to_string(view.groups) + ")");
  }
  call.resize(Dx, wanted.want_dx ? 1 : 0);
  call.resize(Dgamma, wanted.want_dgamma ? 1 : 0);
  call.resize(Dbeta, wanted.want_dbeta ? 1 : 0);
  const int64_t columns = view.columns();
  if (wanted.want_dx) call.set_output_like(Dx, x);
  if (wanted.want_dgamma) call.set_output(Dgamma, x.dtype, 1, &columns);
  if (wanted.want_dbeta) call.set_output(Dbeta, x.dtype, 1, &columns);
  const Layout layout(view, x.dtype);
  const Folder folder = folder_for(ReduceOp::sum, x.dtype);
  call.set_scratch(Scratch,
                   (2 * layout.blocks + (view.rows() ? 0 : 4 * view.batch)) * layout.row_bytes +
                       pass_scratch(folder, layout.pass(view)));
}

Status run(const Call& call) {
  const Array &dy = call.operand(Dy), &x = call.operand(X);
  const View view(x);
  const Layout layout(view, x.dtype);
  const int dtype = static_cast<int>(x.dtype);
  const int64_t item = item_size(x.dtype), size = view.positions * view.columns();
  char *dx = data_or_null(call, Dx), *mean = data_or_null(call, Mean);
  char* sums[] = {call.operand(Scratch).data,
                  call.operand(Scratch).data + layout.blocks * layout.row_bytes};
  char* scratch = sums[1] + layout.blocks * layout.row_bytes;
  const auto from = [&](int64_t i, int64_t group) {
    const int64_t column = group * view.width, at = i * size + column;
    const int64_t of_block = i / layout.unit * layout.row_bytes + column * item;
    return NormBackward{dy.data + at * item,
                        x.data + at * item,
                        part(mean, i * view.groups + group, item),
                        call.operand(Rstd).data + (i * view.groups + group) * item,
                        part(data_or_null(call, Gamma), column, item),
                        part(dx, at, item),
                        sums[0] + of_block,
                        sums[1] + of_block};
  };
  if (size != 0 && view.rows())
    for_pieces(view.batch, view.many(layout.unit), [&](int64_t first, int64_t count) {
      for (int64_t i = first, left; i < first + count; i += layout.unit) {
        const NormBackward part = from(i, 0);
        left = first + count - i;
        kernels().norm.rows_backward[dtype](&part, left < layout.unit ? left : layout.unit,
                                            view.width);
      }
    });
  else if (size != 0)
    for_groups(view, [&](int64_t i, int64_t group, int64_t count) {
      const NormBackward some = from(i, group);
      const NormColumns columns = {view.positions, view.columns(), count, view.width};
      const int64_t before = i * view.columns() + group * view.width;
      kernels().norm.groups_backward[dtype](&some, &columns, scratch + 4 * before * item);
    });
  if (!view.rows()) scratch += 4 * view.batch * layout.row_bytes;
  const Folder folder = folder_for(ReduceOp::sum, x.dtype);
  for (int j : {int{Dgamma}, int{Dbeta}}) {
    if (!call.has(j)) continue;
    const Array& sum = call.operand(j);
    if (x.size() == 0)
      memset(sum.data, 0, static_cast<size_t>(sum.bytes()));
    else
      run_pass(folder, x.dtype, layout.pass(view), sums[j - Dgamma], sum.data, scratch);
  }
  return {};
}
}  // namespace backward

// Three sweeps over what is close by, and a square root.
double norm_cost(const Call& call) { return 4.0 * static_cast<double>(call.operand(0).size()); }

}  // namespace

void register_norm() {
  register_primitive(
      {"row_norm",
       {{"y", Role::out},
        {"mean", Role::out, true},
        {"rstd", Role::out},
        {"x", Role::in},
        {"gamma", Role::in, true},
        {"beta", Role::in, true},
        {"scratch", Role::scratch, true}},
       {{"kind", AttributeKind::code, offsetof(forward::Attributes, kind), 0, norm_kinds},
        {"epsilon", AttributeKind::real, offsetof(forward::Attributes, epsilon), 1e-3}},
       forward::infer,
       forward::run,
       nullptr,
       norm_cost});
  register_primitive(
      {"row_norm_backward",
       {{"dx", Role::out, true},
        {"dgamma", Role::out, true},
        {"dbeta", Role::out, true},
        {"dy", Role::in},
        {"x", Role::in},
        {"mean", Role::in, true},
        {"rstd", Role::in},
        {"gamma", Role::in, true},
        {"scratch", Role::scratch}},
       {{"want_dx", AttributeKind::boolean, offsetof(backward::Attributes, want_dx), 1},
        {"want_dgamma", AttributeKind::boolean, offsetof(backward::Attributes, want_dgamma), 1},
        {"want_dbeta", AttributeKind::boolean, offsetof(backward::Attributes, want_dbeta), 1}},
       backward::infer,
       backward::run});
}

}  // namespace fastnn
