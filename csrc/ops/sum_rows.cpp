// sum_rows(rows, sums; updates, indices; extent): the gradient of a table of `extent` rows, of
// which `indices` were read, without the rows that were not.
//
// `rows` are the different indices, ascending, then -1 for each that was a repetition; `sums` has a
// row for each of them: the updates of that index, added in ascending order, then zeros. A stable
// radix sort brings the updates of a row together (Knuth, The Art of Computer Programming, vol. 3,
// section 5.2.5), so that rows are dealt to threads whole.
#include <cstddef>
#include <cstring>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/strided.h"

namespace fastnn {

void register_sum_rows();

namespace {

enum { Rows, Sums, Updates, Indices, Scratch };

struct SumRowsAttributes {
  int64_t extent;
};

struct Entry {
  int64_t row, place;  // updates[place] belongs to that row
};

void infer(Call& call) {
  const Array updates = call.operand(Updates), indices = call.operand(Indices);
  check_float(call, Updates);
  check_dtypes(call, Indices, {DType::int32, DType::int64});
  const int64_t extent = call.attributes.as<SumRowsAttributes>().extent;
  if (extent < 0)
    fail(ErrorKind::value, call, "extent is " + std::to_string(extent) + ", expected at least 0");
  bool fits = updates.rank >= indices.rank && updates.rank - indices.rank < kMaxRank;
  for (int i = 0; i < indices.rank && fits; ++i) fits = updates.shape[i] == indices.shape[i];
  if (!fits)
    fail(ErrorKind::value, call,
         "updates has shape " + shape_text(updates) + ", expected that of indices, " +
             shape_text(indices) + ", in front");
  const int64_t count = indices.size();
  int64_t shape[kMaxRank] = {count};
  int rank = 1;
  for (int i = indices.rank; i < updates.rank; ++i) shape[rank++] = updates.shape[i];
  check_extents(call, rank, shape);
  call.set_output(Rows, DType::int64, 1, shape);
  call.set_output(Sums, updates.dtype, rank, shape);
  call.set_scratch(Scratch, 2 * count * static_cast<int64_t>(sizeof(Entry)));
}

// Sorts `from` by row, byte by byte from the lowest; entries of a row stay in their order. Uses
// `to` as well and returns the one that holds the result.
Entry* sorted(Entry* from, Entry* to, int64_t count, int64_t extent) {
  for (int shift = 0; shift < 63 && (extent - 1) >> shift > 0; shift += 8) {
    int64_t ends[256] = {};
    for (int64_t i = 0; i < count; ++i) ++ends[from[i].row >> shift & 255];
    int64_t start = 0;
    for (int64_t& end : ends) {
      const int64_t size = end;
      end = start;
      start += size;
    }
    for (int64_t i = 0; i < count; ++i) to[ends[from[i].row >> shift & 255]++] = from[i];
    Entry* const other = from;
    from = to;
    to = other;
  }
  return from;
}

Status run(const Call& call) {
  const Array &indices = call.operand(Indices), &updates = call.operand(Updates);
  const int64_t extent = call.attributes.as<SumRowsAttributes>().extent, count = indices.size();
  const Status status = check_indices(indices, 0, 1, count, 0, extent, 0);
  if (status.code != 0 || count == 0) return status;
  Entry* scratch = reinterpret_cast<Entry*>(call.operand(Scratch).data);
  for (int64_t i = 0; i < count; ++i) scratch[i] = {bounded(index_at(indices, i), extent), i};
  const Entry* entries = sorted(scratch, scratch + count, count, extent);

  // Where the entries of each different row begin, in the half of the scratch that is free now.
  int64_t* starts = reinterpret_cast<int64_t*>(entries == scratch ? scratch + count : scratch);
  int64_t* rows = call.operand(Rows).as<int64_t>();
  int64_t used = 0;
  for (int64_t i = 0; i < count; ++i)
    if (i == 0 || entries[i].row != entries[i - 1].row) {
      rows[used] = entries[i].row;
      starts[used++] = i;
    }
  for (int64_t i = used; i < count; ++i) rows[i] = -1;
  starts[used] = count;

  const int64_t width = updates.size() / count, bytes = width * item_size(updates.dtype);
  char* sums = call.operand(Sums).data;
  const BinaryKernel add =
      kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(updates.dtype)];
  for_each_chunk(used, units_per_task(width, kCheapGrain), 1, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      char* to = sums + row * bytes;
      int64_t i = starts[row];
      std::memcpy(to, updates.data + entries[i].place * bytes, static_cast<size_t>(bytes));
      while (++i < starts[row + 1]) add(width, to, updates.data + entries[i].place * bytes, to);
    }
  });
  if (bytes > 0) std::memset(sums + used * bytes, 0, static_cast<size_t>((count - used) * bytes));
  return {};
}

Error describe(const Call& call, const Status& status) {
  return describe_index(call, status, call.attributes.as<SumRowsAttributes>().extent);
}

}  // namespace

void register_sum_rows() {
  register_primitive({"sum_rows",
                      {{"rows", Role::out},
                       {"sums", Role::out},
                       {"updates", Role::in},
                       {"indices", Role::in},
                       {"scratch", Role::scratch}},
                      {{"extent", AttributeKind::integer, offsetof(SumRowsAttributes, extent)}},
                      infer,
                      run,
                      describe});
}

}  // namespace fastnn
