#include "ops/conv_rows.h"

#include <algorithm>

#include "core/caches.h"
#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/conv_band.h"
#include "ops/deal.h"
#include "ops/gemm.h"
#include "ops/gemm_cut.h"
#include "ops/gemm_paths.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskPixels = 192;        // of y that a task computes, about
constexpr int64_t kPanelBytes = 256 << 10;  // of weights in one block of k that a task goes over
constexpr int64_t kTasks = 8;               // there should be so many
constexpr int64_t kDirectDepth = 64;        // k up to which whole rows are computed directly
constexpr int64_t kLeastAhead = 32;         // lines: a loop of fewer steps costs more than it saves

// Where tiles read: x itself, or a band of it with its padding.
struct Source {
  int64_t pixel, row, plane;  // elements
};

struct Rows {
  const RowsProblem& p;
  const GemmTiles* tiles;
  MatrixPackKernel pack;
  GemmEpilogue epilogue;
  bool has_epilogue;
  int64_t element;
  int64_t k, blocks;
  int64_t row_tiles, panel, panel_width, panels;  // as GemmCut's, but for `direct`
  const DirectKernel* direct;                     // for rows of short sums; or null
  int64_t lanes;
  bool padded;       // x is read through bands
  int64_t together;  // taps along a row that are one run
  int64_t planes;    // of rows of y, over all images
  int64_t task_rows, task_planes, bands, task_panels;
  int64_t result_step[kMaxSpatial], tap_step[kMaxSpatial];  // places of the source
  Source source;

  explicit Rows(const RowsProblem& problem);

  const RowsAxis& across() const { return p.axis[2]; }
  int64_t tile_row(int64_t tile) const { return tile * across().out / row_tiles; }
  double flops() const {
    return 2.0 * static_cast<double>(planes * p.axis[1].out * across().out) *
           static_cast<double>(k) * static_cast<double>(p.columns);
  }

  int64_t most_runs() const {
    return p.axis[0].taps * p.axis[1].taps * (across().taps / together) + blocks;
  }
  int64_t runs_bytes() const {
    return aligned(most_runs() * static_cast<int64_t>(sizeof(GemmRun))) +
           aligned((blocks + 1 + p.axis[1].taps + 1) * static_cast<int64_t>(sizeof(int64_t)));
  }
  int64_t packed_bytes() const { return aligned(k * panels * panel * element); }
  int64_t weight_bytes() const { return p.prepared ? 0 : packed_bytes(); }
  int64_t band_bytes() const {
    return padded ? aligned(task_planes * p.axis[0].taps * source.plane * element) : 0;
  }
  int64_t slots(int64_t threads) const { return worth_threads(flops(), threads); }

  void list_runs(GemmRun* runs, int64_t* starts) const;
  void pack_weights(char* to) const;
  ConvBand band() const { return ConvBand(p, task_rows); }
  void multiply(int64_t task, const GemmRun* runs, const int64_t* starts, const char* weights,
                char* band) const;
  void run_row(GemmTile& tile, const char* a, char* c, const char* weights, int64_t panel0,
               int64_t panel1) const;
  void run_direct(const GemmTile& tile, const char* a, char* c, const char* weights, int64_t panel0,
                  int64_t panel1) const;
  int64_t panel_columns(int64_t j) const { return std::min(panel, p.columns - j * panel); }
};

int64_t last_position(const RowsAxis& axis) {
  return axis.first + (axis.out - 1) * axis.stride + (axis.taps - 1) * axis.step;
}

Rows::Rows(const RowsProblem& problem) : p(problem), epilogue{} {
  const bool is_f32 = p.dtype == DType::float32;
  tiles = is_f32 ? &kernels().gemm.f32 : &kernels().gemm.f64;
  pack = is_f32 ? kernels().pack.f32 : kernels().pack.f64;
  element = item_size(p.dtype);
  const RowsAxis &deep = p.axis[0], &down = p.axis[1];
  k = deep.taps * down.taps * across().taps * p.depth;
  blocks = ceil_div(k, kSumBlock);
  row_tiles = ceil_div(across().out, tiles->rows);
  lanes = tiles->lanes;
  direct = nullptr;
  panel_width = 0;
  if (k <= kDirectDepth && !p.residual) {
    direct = is_f32 ? kernels().direct.f32 : kernels().direct.f64;
    panel = lanes * std::min<int64_t>(ceil_div(p.columns, lanes), FASTNN_DIRECT_VECTORS);
  } else {
    const int64_t widest = tiles->widest[ceil_div(across().out, row_tiles)];
    while (int64_t{2} << panel_width <= widest && lanes << panel_width < p.columns) ++panel_width;
    panel = lanes << panel_width;
  }
  panels = ceil_div(p.columns, panel);

  padded = false;
  for (const RowsAxis& axis : p.axis)
    padded = padded || axis.first < 0 || last_position(axis) >= axis.in;
  planes = p.images * deep.out;
  task_rows = std::clamp<int64_t>(kTaskPixels / across().out, 1, down.out);
  bands = ceil_div(down.out, task_rows);
  task_rows = ceil_div(down.out, bands);
  task_planes = bands > 1 ? 1
                          : std::clamp<int64_t>(kTaskPixels / (down.out * across().out), 1,
                                                std::max<int64_t>(planes, 1));
  const int64_t tasks = bands * ceil_div(planes, task_planes);
  const int64_t by_cache = kPanelBytes / (std::min(k, kSumBlock) * panel * element);
  task_panels = std::clamp<int64_t>(std::min(by_cache, panels * tasks / kTasks), 1, panels);
  task_panels = ceil_div(panels, ceil_div(panels, task_panels));

  for (int i = 0; i < kMaxSpatial; ++i) {
    result_step[i] = p.axis[i].stride;
    tap_step[i] = p.axis[i].step;
  }
  source = {p.channels, across().in * p.channels, down.in * across().in * p.channels};
  if (padded) {
    const ConvBand read = band();
    source = {p.depth, read.row(), read.plane()};
    result_step[1] = read.down.result;
    result_step[2] = read.across.result;
    tap_step[0] = 1;  // a band holds the planes of the taps alone
    tap_step[1] = read.down.tap;
    tap_step[2] = read.across.tap;
  }
  together = tap_step[2] == 1 && source.pixel == p.depth ? across().taps : 1;

  epilogue.alpha = 1;
  epilogue.bias = p.bias;
  epilogue.residual = p.residual;
  epilogue.residual_row = p.axis[2].y_stride;
  epilogue.relu = p.relu;
  has_epilogue = p.bias || p.residual || p.relu;
}

// The runs of every block of k: runs[starts[b]] to runs[starts[b + 1] - 1]. After those starts come
// the ones of the rows of taps, for the last plane of taps.
void Rows::list_runs(GemmRun* runs, int64_t* starts) const {
  const RowsAxis &deep = p.axis[0], &down = p.axis[1];
  int64_t count = 0, at = 0;
  starts[0] = 0;
  for (int64_t d = 0; d < deep.taps; ++d)
    for (int64_t h = 0; h < down.taps; ++h) {
      starts[blocks + 1 + h] = count;
      for (int64_t w = 0; w < across().taps; w += together) {
        int64_t a = d * tap_step[0] * source.plane + h * tap_step[1] * source.row +
                    w * tap_step[2] * source.pixel;
        for (int64_t left = together * p.depth; left > 0;) {
          const int64_t depth = std::min(left, kSumBlock - at % kSumBlock);
          runs[count++] = {a, at * panel, depth};
          a += depth;
          at += depth;
          left -= depth;
          if (at % kSumBlock == 0 || at == k) starts[ceil_div(at, kSumBlock)] = count;
        }
      }
    }
  starts[blocks + 1 + down.taps] = count;
}

// The weights, panel by panel of columns: [k][panel].
void Rows::pack_weights(char* to) const {
  const int64_t taps = k / p.depth;
  for_pieces(panels * taps, units_per_task(p.depth * panel, 1 << 14),
             [&](int64_t first, int64_t count) {
               for (int64_t unit = first; unit < first + count; ++unit) {
                 const int64_t j = unit / taps, tap = unit % taps;
                 const int64_t w = tap % across().taps, rest = tap / across().taps;
                 const int64_t h = rest % p.axis[1].taps, d = rest / p.axis[1].taps;
                 const int64_t from = d * p.axis[0].weight_step + h * p.axis[1].weight_step +
                                      w * across().weight_step + j * panel * p.w_column;
                 Packing packing;
                 packing.from_row = p.w_k;
                 packing.from_column = p.w_column;
                 packing.to_row = panel;
                 packing.rows = p.depth;
                 const auto pack_columns = [&](int64_t first, int64_t columns, int64_t place) {
                   packing.from = p.w + (from + first * p.w_column) * element;
                   packing.to = to + ((j * k + tap * p.depth) * panel + place) * element;
                   packing.columns = columns;
                   packing.padded = ceil_div(columns, lanes) * lanes;
                   pack(&packing);
                 };
                 const int64_t columns = panel_columns(j), whole = columns - columns % lanes;
                 if (!direct || columns < lanes || whole == columns) {
                   pack_columns(0, columns, 0);
                 } else {
                   pack_columns(0, whole, 0);
                   pack_columns(columns - lanes, lanes, whole);
                 }
               }
             });
}

// The tiles of one row of y. `a` is what its first result reads first.
void Rows::run_row(GemmTile& t, const char* a, char* c, const char* weights, int64_t panel0,
                   int64_t panel1) const {
  const int64_t row = t.row;
  for (int64_t tile = 0; tile < row_tiles; ++tile) {
    const int64_t left = tile_row(tile), right = tile_row(tile + 1);
    const auto& kernels = tiles->tile[1][right - left];
    t.row = row + left;
    t.a = a + left * t.a_step * element;
    t.ahead = a + right * t.a_step * element;
    for (int64_t j = panel0; j < panel1; ++j) {
      t.column = j * panel;
      t.b = weights + j * k * panel * element;
      t.c = c + (left * t.c_row + t.column) * element;
      run_panel(*tiles, element, kernels, panel_width, p.columns, t);
    }
  }
  t.row = row;
}

// The same by the kernels for short sums.
void Rows::run_direct(const GemmTile& t, const char* a, char* c, const char* weights,
                      int64_t panel0, int64_t panel1) const {
  DirectRow row;
  row.x = a;
  row.pixel = t.a_step;
  row.runs = t.runs;
  row.run_count = t.run_count;
  row.w_k = panel;
  row.relu = p.relu;
  row.y_pixel = t.c_row;
  row.results = across().out;
  for (int64_t j = panel0; j < panel1; ++j) {
    const int64_t column = j * panel * element;
    row.w = weights + j * k * panel * element;
    row.bias = p.bias ? p.bias + column : nullptr;
    row.y = c + column;
    row.columns = panel_columns(j);
    direct[ceil_div(row.columns, lanes)](&row);
  }
}

void Rows::multiply(int64_t task, const GemmRun* runs, const int64_t* starts, const char* weights,
                    char* band) const {
  const RowsAxis &deep = p.axis[0], &down = p.axis[1];
  const int64_t groups = ceil_div(panels, task_panels), group = task % groups;
  const int64_t panel0 = group * task_panels, panel1 = std::min(panels, panel0 + task_panels);
  const int64_t part = task / groups;
  const int64_t plane0 = part / bands * task_planes;
  const int64_t plane1 = std::min(planes, plane0 + task_planes);
  const int64_t row0 = part % bands * task_rows, row1 = std::min(down.out, row0 + task_rows);
  if (padded) this->band().fill(plane0, plane1, row0, band);
  GemmTile t{};
  t.a_step = result_step[2] * source.pixel;
  t.b_k = panel;
  const int64_t read = (tiles->rows - 1) * t.a_step + std::min(together * p.depth, kSumBlock);
  t.ahead_lines = std::max(kLeastAhead, ceil_div(read * element, kLine));
  t.c_row = across().y_stride;
  for (int64_t block = 0; block < blocks; ++block) {
    t.accumulate = block > 0;
    t.last = has_epilogue && block + 1 == blocks ? &epilogue : nullptr;
    for (int64_t plane = plane0; plane < plane1; ++plane) {
      const int64_t image = plane / deep.out, d = plane % deep.out;
      for (int64_t row = row0; row < row1; ++row) {
        int64_t first = starts[block], last = starts[block + 1];
        if (padded && deep.taps == 1) {
          // Without the taps that would read rows of padding.
          const int64_t* rows = starts + blocks + 1;
          const int64_t at = down.first + row * down.stride;
          const int64_t above = at < 0 ? std::min(down.taps, ceil_div(-at, down.step)) : 0;
          const int64_t below =
              at < down.in ? std::min(down.taps, ceil_div(down.in - at, down.step)) : 0;
          first = std::max(first, rows[above]);
          last = std::max(first, std::min(last, rows[std::max(above, below)]));
        }
        t.runs = runs + first;
        t.run_count = last - first;
        const char* a;
        if (padded)
          a = band + ((plane - plane0) * deep.taps * source.plane +
                      (row - row0) * result_step[1] * source.row) *
                         element;
        else
          a = p.x +
              (((image * deep.in + deep.first + d * deep.stride) * source.plane) +
               (down.first + row * down.stride) * source.row + across().first * source.pixel) *
                  element;
        t.row = (plane * down.out + row) * across().out;
        char* y = p.y + (image * p.y_image + d * deep.y_stride + row * down.y_stride) * element;
        if (direct)
          run_direct(t, a, y, weights, panel0, panel1);
        else
          run_row(t, a, y, weights, panel0, panel1);
      }
    }
  }
}

}  // namespace

int64_t rows_bytes(const RowsProblem& problem, int64_t threads) {
  const Rows rows(problem);
  return rows.runs_bytes() + rows.weight_bytes() + rows.slots(threads) * rows.band_bytes();
}

void run_rows(const RowsProblem& problem, int64_t threads, char* scratch, int64_t bytes) {
  const Rows rows(problem);
  auto* runs = reinterpret_cast<GemmRun*>(scratch);
  auto* starts = reinterpret_cast<int64_t*>(
      scratch + aligned(rows.most_runs() * static_cast<int64_t>(sizeof(GemmRun))));
  char* own = scratch + rows.runs_bytes();
  const char* weights = problem.prepared ? problem.prepared : own;
  char* band = own + rows.weight_bytes();
  const int64_t each = rows.band_bytes();
  int64_t slots = rows.slots(threads);
  if (each) slots = std::min(slots, (bytes - (band - scratch)) / each);
  rows.list_runs(runs, starts);
  if (!problem.prepared) rows.pack_weights(own);
  const int64_t tasks = rows.bands * ceil_div(rows.planes, rows.task_planes) *
                        ceil_div(rows.panels, rows.task_panels);
  deal(slots, tasks, 1, 1, [&](int64_t task, int64_t, int64_t slot, int64_t) {
    rows.multiply(task, runs, starts, weights, band + slot * each);
  });
}

RowsProblem conv_rows_group(const ConvProblem& problem, int64_t group) {
  const ConvShape& s = problem.shape;
  const Windows& windows = s.windows;
  const int64_t element = item_size(s.dtype);
  RowsProblem rows;
  rows.dtype = s.dtype;
  rows.images = s.images;
  rows.channels = s.channels;
  rows.depth = s.group_channels();
  rows.columns = s.group_filters();
  // A mirrored kernel is [window..., filters / groups, channels], its last tap first.
  const int64_t last = problem.mirrored ? s.channels : s.filters;
  const int64_t tap = (problem.mirrored ? s.group_filters() : s.group_channels()) * last;
  int64_t weight_step = problem.mirrored ? -tap : tap, y_stride = s.filters;
  for (int i = kMaxSpatial - 1; i >= 0; --i) {
    rows.axis[i] = {windows.in[i],      windows.out[i],      windows.stride[i], windows.size[i],
                    -windows.before[i], windows.dilation[i], weight_step,       y_stride};
    weight_step *= windows.size[i];
    y_stride *= windows.out[i];
  }
  rows.y_image = y_stride;
  const int64_t first_column = group * s.group_filters(), first_channel = group * rows.depth;
  int64_t w = problem.mirrored ? (windows.elements() - 1) * tap + first_channel : first_column;
  rows.w_k = problem.mirrored ? 1 : last;
  rows.w_column = problem.mirrored ? last : 1;
  const auto at = [&](const char* base, int64_t offset) {
    return base ? base + offset * element : nullptr;
  };
  rows.x = at(problem.x, first_channel);
  rows.w = at(problem.w, w);
  rows.y = problem.y ? problem.y + first_column * element : nullptr;
  rows.bias = at(problem.bias, first_column);
  rows.residual = at(problem.residual, first_column);
  rows.relu = problem.relu;
  return rows;
}

int64_t conv_rows_bytes(const ConvProblem& problem, int64_t threads) {
  return rows_bytes(conv_rows_group(problem, 0), threads);
}

void run_conv_rows(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes) {
  for (int64_t group = 0; group < problem.shape.groups; ++group) {
    RowsProblem rows = conv_rows_group(problem, group);
    if (problem.prepared) rows.prepared = problem.prepared + group * Rows(rows).packed_bytes();
    run_rows(rows, threads, scratch, bytes);
  }
}

int64_t conv_rows_prepared_bytes(const ConvProblem& problem) {
  return problem.shape.groups * Rows(conv_rows_group(problem, 0)).packed_bytes();
}

void prepare_conv_rows(const ConvProblem& problem, char* to) {
  for (int64_t group = 0; group < problem.shape.groups; ++group) {
    const RowsProblem problem_of_group = conv_rows_group(problem, group);
    const Rows rows(problem_of_group);
    rows.pack_weights(to + group * rows.packed_bytes());
  }
}

}  // namespace fastnn
