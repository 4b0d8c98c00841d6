#include "ops/rnn_team.h"

#include "core/kernel_table.h"
#include "ops/strided.h"

namespace fastnn {

void to_step_order(const Array& from, const RnnOrder& order, int64_t k0, int64_t k1, int64_t row0,
                   int64_t row1, char* to) {
  const int64_t bytes = from.shape[2] * item_size(from.dtype);
  for (int64_t k = k0; k < k1; ++k)
    for (int64_t row = row0; row < row1; ++row, to += bytes)
      std::memcpy(to, from.data + (row * order.steps + order.at(k)) * bytes,
                  static_cast<size_t>(bytes));
}

void from_step_order(const char* from, const RnnOrder& order, bool onto, const Array& to) {
  const int64_t batch = to.shape[0], columns = to.shape[2], bytes = columns * item_size(to.dtype);
  const int64_t grain = std::max<int64_t>(1, kCheapGrain * 4 / std::max<int64_t>(bytes, 1));
  const auto add =
      kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(to.dtype)];
  for_pieces(order.steps * batch, grain, [&](int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; ++i) {
      const int64_t row = i % batch, step = order.at(i / batch);
      char* own = to.data + (row * order.steps + step) * bytes;
      if (onto)
        add(columns, own, from + i * bytes, own);
      else
        std::memcpy(own, from + i * bytes, static_cast<size_t>(bytes));
    }
  });
}

void step_codes(const Array& mask, const RnnOrder& order, bool zero_masked, unsigned char* codes) {
  const int64_t batch = mask.shape[0];
  const auto* valid = reinterpret_cast<const unsigned char*>(mask.data);
  for (int64_t row = 0; row < batch; ++row) {
    unsigned char passed = kRnnZero;
    for (int64_t k = 0; k < order.steps; ++k) {
      const bool counts = valid[row * order.steps + order.at(k)] != 0;
      if (counts && !zero_masked) passed = kRnnRepeat;
      codes[k * batch + row] = counts ? static_cast<unsigned char>(kRnnCounts) : passed;
    }
  }
}

}  // namespace fastnn
