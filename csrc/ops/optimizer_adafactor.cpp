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

template <class T>
double mean_of(const T* x, int64_t n) {
  double sum = 0;
  for (int64_t k = 0; k < n; ++k) sum += static_cast<double>(x[k]);
  return sum / static_cast<double>(n);
}

template <class T>
void move_as(const Step& step, int i, char* sums) {
  const Array& w = step.call.operand(Parameters, i);
  const Matrices m(w);
  const int velocity = 2 * step.parameters + i;
  char* row = step.at(Slots, i, 0);
  char* column = step.at(Slots, step.parameters + i, 0);
  char* v = step.at(Slots, velocity, 0);

  // The mean squares are written anew below: until then their place holds the clipped gradient.
  for_pieces(w.size(), kTaskElements, [&](int64_t first, int64_t count) {
    char* to = step.at(Slots, velocity, first);
    const char* g = step.gradient(i, first, count, to);
    if (g != to) std::memcpy(to, g, static_cast<size_t>(count) * sizeof(T));
  });
  const Folder folder = folder_for(ReduceOp::sum_squares, w.dtype);
  run_pass(folder, w.dtype, m.along_rows(), v, sums, nullptr);
  move<T>(step, row, sums, m.count * m.rows, m.columns);
  char* scratch = sums + m.count * m.columns * static_cast<int64_t>(sizeof(T));
  run_pass(folder, w.dtype, m.along_columns(), v, sums, scratch);
  move<T>(step, column, sums, m.count * m.columns, m.rows);

  const auto times = step.kernel.clip[static_cast<int>(w.dtype)];
  for (int64_t k = 0; k < m.count; ++k) {
    const T* r = reinterpret_cast<const T*>(row) + k * m.rows;
    const T* c = reinterpret_cast<const T*>(column) + k * m.columns;
    const double mean = mean_of(r, m.rows);
    for_pieces(m.rows, units_per_task(m.columns, kTaskElements), [&](int64_t first, int64_t count) {
      for (int64_t j = first; j < first + count; ++j)
        times(c, static_cast<double>(r[j]) / mean, INFINITY, m.columns,
              step.at(Slots, velocity, (k * m.rows + j) * m.columns));
    });
  }
}

}  // namespace

int64_t matrix_scratch(const Array& w) {
  const Matrices m(w);
  const Folder folder = folder_for(ReduceOp::sum_squares, w.dtype);
  const int64_t item = item_size(w.dtype), columns = m.count * m.columns * item;
  return std::max(m.count * m.rows * item, columns + pass_scratch(folder, m.along_columns())) + 8;
}

void move_matrix(const Step& step, int i, char* scratch) {
  if (step.dtype(i) == DType::float32)
    move_as<float>(step, i, scratch);
  else
    move_as<double>(step, i, scratch);
}

}  // namespace step
}  // namespace fastnn
