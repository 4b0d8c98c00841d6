// optimizer_step by adafactor: the mean squares of a matrix (the last two axes of anything larger),
// from those of its rows and of its columns.
//
// Method: N. Shazeer, M. Stern, "Adafactor: adaptive learning rates with sublinear memory cost"
// (2018), algorithm 4.
#include <algorithm>
#include <cmath>

#include "ops/optimizer_step.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace step {
namespace {

constexpr int64_t kTaskElements = 1 << 14;

struct Matrices {
  int64_t count, rows, columns;

  explicit Matrices(const Array& w) : rows(w.shape[w.rank - 2]), columns(w.shape[w.rank - 1]) {
    count = 1;
    for (int axis = 0; axis < w.rank - 2; ++axis) count *= w.shape[axis];
  }

  ReducePass along_rows() const { return {count * rows, columns, 1}; }
  ReducePass along_columns() const { return {count, rows, columns}; }
};

// mean = kept mean + fresh (sum / n + epsilon)
template <class T>
void move(const Step& step, char* mean_, const char* sums_, int64_t count, int64_t n) {
  const double* c = step.constants.values;
  const T kept = static_cast<T>(c[0]), fresh = static_cast<T>(c[1]);
  const T epsilon = static_cast<T>(c[2]), size = static_cast<T>(n);
  T* mean = reinterpret_cast<T*>(mean_);
  const T* sums = reinterpret_cast<const T*>(sums_);
  for (int64_t k = 0; k < count; ++k) mean[k] = kept * mean[k] + fresh * (sums[k] / size + epsilon);
}

// Where the slot of the mean squares is written anew later, a clipped gradient lies until then.
const char* clipped_gradient(const Step& step, int i) {
  if (step.as_given()) return step.at(step.source, i, 0);
  const OptimizerPrelude before = step.prelude(i);
  const auto clip = step.kernel.clip[static_cast<int>(step.dtype(i))];
  const int slot = 2 * step.parameters + i;
  for_pieces(step.call.operand(Parameters, i).size(), kTaskElements,
             [&](int64_t first, int64_t count) {
               clip(step.at(step.source, i, first), before.scale, before.limit, count,
                    step.at(Slots, slot, first));
             });
  return step.at(Slots, slot, 0);
}

template <class T>
double mean_of(const T* x, int64_t n) {
  double sum = 0;
  for (int64_t k = 0; k < n; ++k) sum += static_cast<double>(x[k]);
  return sum / static_cast<double>(n);
}

template <class T>
void move_as(const Step& step, int i, double* rows, char* sums) {
  const Array& w = step.call.operand(Parameters, i);
  const Matrices m(w);
  char* row = step.at(Slots, i, 0);
  char* column = step.at(Slots, step.parameters + i, 0);
  const char* g = clipped_gradient(step, i);
  const Folder folder = folder_for(ReduceOp::sum_squares, w.dtype);
  run_pass(folder, w.dtype, m.along_rows(), g, sums, nullptr);
  move<T>(step, row, sums, m.count * m.rows, m.columns);
  char* scratch = sums + m.count * m.columns * static_cast<int64_t>(sizeof(T));
  run_pass(folder, w.dtype, m.along_columns(), g, sums, scratch);
  move<T>(step, column, sums, m.count * m.columns, m.rows);
  for (int64_t k = 0; k < m.count; ++k, rows += m.rows) {
    const T* r = reinterpret_cast<const T*>(row) + k * m.rows;
    const double mean = mean_of(r, m.rows);
    for (int64_t j = 0; j < m.rows; ++j) rows[j] = static_cast<double>(r[j]) / mean;
  }
}

}  // namespace

int64_t rows_of(const Array& parameter) {
  const Matrices m(parameter);
  return m.count * m.rows;
}

int64_t sums_scratch(const Array& w) {
  const Matrices m(w);
  const Folder folder = folder_for(ReduceOp::sum_squares, w.dtype);
  const int64_t item = item_size(w.dtype), columns = m.count * m.columns * item;
  return std::max(m.count * m.rows * item, columns + pass_scratch(folder, m.along_columns())) + 8;
}

void move_means(const Step& step, int i, double* rows, char* scratch) {
  if (step.dtype(i) == DType::float32)
    move_as<float>(step, i, rows, scratch);
  else
    move_as<double>(step, i, rows, scratch);
}

void write_mean_squares(const Step& step, int i, int64_t first, int64_t count, const double* rows) {
  const Matrices m(step.call.operand(Parameters, i));
  const auto times = step.kernel.clip[static_cast<int>(step.dtype(i))];
  for (const int64_t end = first + count; first < end;) {
    const int64_t row = first / m.columns, column = first % m.columns;
    const int64_t piece = std::min(m.columns - column, end - first);
    times(step.at(Slots, step.parameters + i, row / m.rows * m.columns + column), rows[row],
          INFINITY, piece, step.at(Slots, 2 * step.parameters + i, first));
    first += piece;
  }
}

}  // namespace step
}  // namespace fastnn
