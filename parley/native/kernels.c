/* The steps of one block on a CPU: for so few positions the operators of a tensor library cost more than their numbers.
 *
 * Every number is made by the same additions in the same order however many positions there are, so a session's bits are the same
 * alone and among others. Shapes: tokens = positions of this pass, of all rows together; the inner axis is contiguous.
 */
#include "vector.h"

#define PANEL 16            /* outputs that are made together */
#define PARTS (PANEL / WIDE) /* in so many registers */
#define TILE (12 / PARTS)   /* tokens times panels, whose sums all stay in registers */
#define MOST 6              /* tokens of a tile */

/* What a panel `made` of one token, as far as it is not padding. */
static __attribute__((noinline)) void put(const float *made, int width, const float *bias, int add, float *to)
{
    for (int i = 0; i < width; i++)
        to[i] = made[i] + (bias ? bias[i] : 0.0f) + (add ? to[i] : 0.0f);
}

/* `count` tokens times `panels` panels of a weight matrix. */
INLINE void tile(const int count, const int panels, const float *x, const float *weight, const float *bias, int in, float *y, int out,
                 int column, int add)
{
    wide sum[TILE][PARTS];
    for (int i = 0; i < count * panels; i++)
        for (int part = 0; part < PARTS; part++)
            sum[i][part] = (wide){0};
    for (int k = 0; k < in; k++)
#pragma GCC unroll 12
        for (int p = 0; p < panels; p++) {
            wide w[PARTS];
#pragma GCC unroll 2
            for (int part = 0; part < PARTS; part++)
                memcpy(w + part, weight + ((long)p * in + k) * PANEL + part * WIDE, sizeof *w);
#pragma GCC unroll 12
            for (int t = 0; t < count; t++) {
                float value = x[(long)t * in + k];
#pragma GCC unroll 2
                for (int part = 0; part < PARTS; part++)
                    sum[p * count + t][part] += value * w[part];
            }
        }
    for (int p = 0; p < panels; p++)
        for (int t = 0; t < count; t++) {
            int from = column + p * PANEL;
            float made[PANEL];
            for (int part = 0; part < PARTS; part++)
                memcpy(made + part * WIDE, &sum[p * count + t][part], sizeof *sum[0]);
            put(made, out - from < PANEL ? out - from : PANEL, bias ? bias + from : 0, add, y + (long)t * out + from);
        }
}

/* The same of any number of panels: at once as many as fill a tile of so many tokens or of one more, and one by one otherwise. */
INLINE void tiles(const int count, int panels, const float *x, const float *weight, const float *bias, int in, float *y, int out,
                  int column, int add)
{
    if (panels == TILE / count)
        tile(count, TILE / count, x, weight, bias, in, y, out, column, add);
    else if (panels == TILE / (count + 1))
        tile(count, TILE / (count + 1), x, weight, bias, in, y, out, column, add);
    else
        for (int p = 0; p < panels; p++)
            tile(count, 1, x, weight + (long)p * in * PANEL, bias, in, y, out, column + p * PANEL, add);
}

/* y (tokens, out) = x (tokens, in) W + bias, added to what y holds if `add`. W: (out / PANEL, in, PANEL), padded with zeros.
 * The tokens are shared out as evenly as can be; a panel stays in the cache until all have met it. */
void linear(const float *x, int tokens, const float *weight, const float *bias, int in, float *y, int out, int add)
{
    if (tokens <= 0)
        return;
    int panels = (out + PANEL - 1) / PANEL, shares = (tokens + MOST - 1) / MOST, several = TILE / ((tokens + shares - 1) / shares);
    for (int p = 0; p < panels; p += several) {
        const float *w = weight + (long)p * in * PANEL;
        int column = p * PANEL, here = panels - p < several ? panels - p : several;
        for (int share = 0, t = 0, count; share < shares; share++, t += count) {
            const float *from = x + (long)t * in;
            float *to = y + (long)t * out;
            count = (tokens - t + shares - share - 1) / (shares - share);
            switch (count) {
            case 1: tiles(1, here, from, w, bias, in, to, out, column, add); break;
            case 2: tiles(2, here, from, w, bias, in, to, out, column, add); break;
            case 3: tiles(3, here, from, w, bias, in, to, out, column, add); break;
            case 4: tiles(4, here, from, w, bias, in, to, out, column, add); break;
            case 5: tiles(5, here, from, w, bias, in, to, out, column, add); break;
            default: tiles(MOST, here, from, w, bias, in, to, out, column, add);
            }
        }
    }
}

/* y = x / root mean square * weight. */
void rms_norm(const float *x, int tokens, int width, const float *weight, float eps, float *y)
{
    for (int t = 0; t < tokens; t++, x += width, y += width) {
        v8 squares = splat(0.0f);
        for (int i = 0; i < width; i += LANES)
            squares += load(x + i) * load(x + i);
        v8 scale = splat(1.0f / sqrtf(total(squares) / width + eps));
        for (int i = 0; i < width; i += LANES)
            store(y + i, load(x + i) * scale * load(weight + i));
    }
}

/* A stack of pre-norm layers of attention and SwiGLU (Llama). Head widths and the widths of the layers are multiples of LANES. */
typedef struct {
    const float *attention_norm, *qkv, *out, *mlp_norm, *up, *down;
    float *keys, *values; /* (rows, kv_heads, places, head_width), rows and heads so far apart as the stack says */
} Layer;

typedef struct {
    int layers, width, heads, kv_heads, head_width, hidden;
    float eps;
    const float *norm; /* after the last layer */
    long row_stride, head_stride;
} Stack;

/* What one pass reads. A token writes the place `place` of its row; it sees the places 0 to `place`, and those from `after` to `places`.
 * Tokens of a row stand side by side, in order. `asked`: the tokens of which the last layer's output is wanted, in order. */
typedef struct {
    int tokens, asked_count, places;
    const int32_t *row, *place, *after, *asked;
    const float *cosine, *sine; /* (tokens, head_width); of the sines the first half has the other sign */
} Pass;

#define TOGETHER 4 /* tokens of a row that read the cache together */

INLINE void rotate(float *x, const float *cosine, const float *sine, int width)
{
    float turned[width];
    int half = width / 2;
    for (int i = 0; i < half; i++) {
        turned[i] = x[i] * cosine[i] + x[i + half] * sine[i];
        turned[i + half] = x[i + half] * cosine[i + half] + x[i] * sine[i + half];
    }
    memcpy(x, turned, sizeof turned);
}

INLINE int seen(const Pass *pass, int token, int place) { return place <= pass->place[token] || place >= pass->after[token]; }

INLINE int padded(int places) { return (places + LANES - 1) / LANES * LANES; }

/* One head of `count` tokens of one row, q at `stride` from token to token and y at `y_stride`; scores: (count, padded places) of room. */
INLINE void attend(const int count, const Stack *stack, const Pass *pass, const int32_t *tokens, const float *q, long stride,
                   const float *keys, const float *values, float *scores, float *y, long y_stride)
{
    int width = stack->head_width, last = pass->place[tokens[count - 1]] + 1;
    int end = pass->after[tokens[0]] < pass->places ? pass->places : last;
    long room = padded(pass->places);
    float scale = 1.0f / sqrtf(width), top[TOGETHER], sum[TOGETHER];
    for (int t = 0; t < count; t++)
        top[t] = -INFINITY;
    for (int place = 0; place < end; place++) {
        v8 dot[TOGETHER];
        for (int t = 0; t < count; t++)
            dot[t] = splat(0.0f);
        for (int i = 0; i < width; i += LANES) {
            v8 key = load(keys + (long)place * width + i);
            for (int t = 0; t < count; t++)
                dot[t] += key * load(q + t * stride + i);
        }
        for (int t = 0; t < count; t++) {
            float score = seen(pass, tokens[t], place) ? total(dot[t]) * scale : -INFINITY;
            scores[t * room + place] = score;
            top[t] = score > top[t] ? score : top[t];
        }
    }
    for (int t = 0; t < count; t++) {
        float *s = scores + t * room;
        v8 sums = splat(0.0f);
        for (int place = end; place < padded(end); place++)
            s[place] = -INFINITY;
        for (int place = 0; place < end; place += LANES) {
            v8 score = load(s + place), made = exponential(score - top[t]);
            made = (v8)((v8i)made & (score > splat(-INFINITY)));
            store(s + place, made);
            sums += made;
        }
        sum[t] = total(sums);
    }
    for (int t = 0; t < count; t++)
        for (int i = 0; i < width; i += 4 * LANES) {
            v8 made[4];
            int vectors = width - i < 4 * LANES ? (width - i) / LANES : 4;
            for (int j = 0; j < 4; j++)
                made[j] = splat(0.0f);
            if (vectors == 4)
                for (int place = 0; place < end; place++)
                    for (int j = 0; j < 4; j++)
                        made[j] += scores[t * room + place] * load(values + (long)place * width + i + j * LANES);
            else
                for (int place = 0; place < end; place++)
                    for (int j = 0; j < vectors; j++)
                        made[j] += scores[t * room + place] * load(values + (long)place * width + i + j * LANES);
            for (int j = 0; j < vectors; j++)
                store(y + t * y_stride + i + j * LANES, made[j] / sum[t]);
        }
}

/* Keys and values of all tokens go into the cache; then the tokens `which` read it. qkv: (tokens, heads + 2 kv_heads, head_width). */
static void attention(const Stack *stack, const Layer *layer, const Pass *pass, float *qkv, const int32_t *which, int count, float *scores,
                      float *y)
{
    int width = stack->head_width, group = stack->heads / stack->kv_heads;
    long all = (long)(stack->heads + 2 * stack->kv_heads) * width;
    for (int t = 0; t < pass->tokens; t++) {
        float *token = qkv + t * all;
        for (int h = 0; h < stack->heads + stack->kv_heads; h++)
            rotate(token + h * width, pass->cosine + (long)t * width, pass->sine + (long)t * width, width);
        for (int h = 0; h < stack->kv_heads; h++) {
            long to = pass->row[t] * stack->row_stride + h * stack->head_stride + (long)pass->place[t] * width;
            memcpy(layer->keys + to, token + (stack->heads + h) * width, width * sizeof(float));
            memcpy(layer->values + to, token + (stack->heads + stack->kv_heads + h) * width, width * sizeof(float));
        }
    }
    for (int begin = 0, end; begin < count; begin = end) {
        int row = pass->row[which[begin]];
        for (end = begin + 1; end < count && end - begin < TOGETHER && pass->row[which[end]] == row; end++)
            ;
        for (int h = 0; h < stack->heads; h++) {
            long at = row * stack->row_stride + h / group * stack->head_stride;
            float q[TOGETHER * width], *to = y + (long)begin * stack->heads * width + h * width;
            for (int t = begin; t < end; t++)
                memcpy(q + (t - begin) * width, qkv + which[t] * all + h * width, width * sizeof(float));
            const float *keys = layer->keys + at, *values = layer->values + at;
            const int32_t *tokens = which + begin;
            long stride = (long)stack->heads * width;
            switch (end - begin) {
            case 1: attend(1, stack, pass, tokens, q, width, keys, values, scores, to, stride); break;
            case 2: attend(2, stack, pass, tokens, q, width, keys, values, scores, to, stride); break;
            case 3: attend(3, stack, pass, tokens, q, width, keys, values, scores, to, stride); break;
            default: attend(4, stack, pass, tokens, q, width, keys, values, scores, to, stride); break;
            }
        }
    }
}

static void pick(const float *x, const int32_t *which, int count, int width, float *to)
{
    for (int t = 0; t < count; t++)
        memmove(to + (long)t * width, x + (long)which[t] * width, width * sizeof(float));
}

/* x (tokens, width), overwritten -> y (asked, width): the asked tokens after the last norm; `tapped`, the same shape: what layer `tap`
 * reads. */
void transformer(const Stack *stack, const Layer *layers, const Pass *pass, float *x, float *y, int tap, float *tapped, float *room)
{
    int tokens = pass->tokens, width = stack->width, hidden = stack->hidden, count = tokens;
    int qkv_width = (stack->heads + 2 * stack->kv_heads) * stack->head_width, seen_width = stack->heads * stack->head_width;
    int widest = qkv_width > 2 * hidden ? qkv_width : 2 * hidden;
    float *normed = room, *wide = normed + (long)tokens * width, *seen_room = wide + (long)tokens * widest;
    float *scores = seen_room + (long)tokens * seen_width;
    int32_t everyone[tokens > 0 ? tokens : 1];
    const int32_t *which = everyone;
    for (int t = 0; t < tokens; t++)
        everyone[t] = t;
    for (int number = 0; number < stack->layers; number++) {
        const Layer *layer = layers + number;
        if (number == tap)
            pick(x, pass->asked, pass->asked_count, width, tapped);
        rms_norm(x, tokens, width, layer->attention_norm, stack->eps, normed);
        linear(normed, tokens, layer->qkv, 0, width, wide, qkv_width, 0);
        if (number == stack->layers - 1) { /* nobody reads the others any more */
            which = pass->asked, count = pass->asked_count;
            pick(x, which, count, width, x);
        }
        attention(stack, layer, pass, wide, which, count, scores, seen_room);
        linear(seen_room, count, layer->out, 0, seen_width, x, width, 1);
        rms_norm(x, count, width, layer->mlp_norm, stack->eps, normed);
        linear(normed, count, layer->up, 0, width, wide, 2 * hidden, 0);
        for (int t = 0; t < count; t++) {
            float *gate = wide + (long)t * 2 * hidden;
            for (int i = 0; i < hidden; i += LANES) {
                store(wide + (long)t * hidden + i, silu(load(gate + i)) * load(gate + hidden + i));
            }
        }
        linear(wide, count, layer->down, 0, hidden, x, width, 1);
    }
    rms_norm(x, count, width, stack->norm, stack->eps, y);
}

/* Causal ConvNeXt blocks: a depthwise convolution over time, LayerNorm, Linear, GELU, Linear, added to the input. */
typedef struct {
    const float *taps, *bias; /* (kernel, width), (width) */
    const float *norm, *norm_bias, *expand, *expand_bias, *contract, *contract_bias;
    const float *before; /* (rows, kernel - 1, width): the last frames that the block read ... */
    float *after;        /* ... before this pass and after it */
} ConvBlock;

static void layer_norm(float *x, int tokens, int width, const float *weight, const float *bias, float eps)
{
    for (int t = 0; t < tokens; t++, x += width) {
        v8 sum = splat(0.0f), squares = splat(0.0f);
        for (int i = 0; i < width; i += LANES)
            sum += load(x + i);
        float mean = total(sum) / width;
        for (int i = 0; i < width; i += LANES) {
            v8 apart = load(x + i) - mean;
            squares += apart * apart;
        }
        float scale = 1.0f / sqrtf(total(squares) / width + eps);
        for (int i = 0; i < width; i += LANES)
            store(x + i, (load(x + i) - mean) * scale * load(weight + i) + load(bias + i));
    }
}

/* x (rows, frames, width) in place. room: rows * frames * (width + hidden). */
void conv_stack(const ConvBlock *blocks, int count, int rows, int frames, int width, int hidden, int kernel, float eps, float *x,
                float *room)
{
    int tokens = rows * frames, context = kernel - 1;
    float *mixed = room, *wide = room + (long)tokens * width;
    for (const ConvBlock *block = blocks; block < blocks + count; block++) {
        for (int row = 0; row < rows; row++) {
            const float *before = block->before + (long)row * context * width;
            float *now = x + (long)row * frames * width, *after = block->after + (long)row * context * width;
            for (int f = 0; f < frames; f++)
                for (int i = 0; i < width; i += LANES) {
                    v8 sum = load(block->bias + i);
                    for (int k = 0; k < kernel; k++) {
                        int at = f + k - context;
                        const float *frame = at < 0 ? before + (long)(at + context) * width : now + (long)at * width;
                        sum += load(frame + i) * load(block->taps + k * width + i);
                    }
                    store(mixed + ((long)row * frames + f) * width + i, sum);
                }
            int kept = frames < context ? context - frames : 0; /* frames of the old context */
            memmove(after, before + (long)(context - kept) * width, (long)kept * width * sizeof(float));
            long newest = context - kept;
            memcpy(after + (long)kept * width, now + (frames - newest) * width, newest * width * sizeof(float));
        }
        layer_norm(mixed, tokens, width, block->norm, block->norm_bias, eps);
        linear(mixed, tokens, block->expand, block->expand_bias, width, wide, hidden, 0);
        for (long i = 0; i < (long)tokens * hidden; i += LANES)
            store(wide + i, gelu(load(wide + i)));
        linear(wide, tokens, block->contract, block->contract_bias, hidden, x, width, 1);
    }
}

/* Mamba-1 (Gu and Dao, 2023): pre-norm residual blocks. The names are those of parley/encoder/mamba.py. */
typedef struct {
    const float *norm, *in_proj, *taps, *conv_bias; /* taps: (d_conv, d_inner) */
    const float *x_proj, *dt_proj, *dt_bias, *a, *d, *out_proj; /* a: (d_state, d_inner), negative */
} MambaLayer;

typedef struct {
    int layers, d_model, d_inner, d_state, d_conv, rank;
    float eps;
    const float *norm; /* after the last layer */
} MambaShape;

/* One row's frames through the convolution: x (frames) at `stride`, in place; `conv` (d_conv - 1, d_inner): the last inputs. */
static void convolve(const MambaShape *shape, const MambaLayer *layer, int frames, float *x, long stride, float *conv)
{
    int width = shape->d_inner, context = shape->d_conv - 1;
    for (int i = 0; i < width; i += LANES) {
        v8 last[context + 1];
        for (int k = 0; k < context; k++)
            last[k] = load(conv + (long)k * width + i);
        for (int f = 0; f < frames; f++) {
            v8 sum = load(layer->conv_bias + i);
            last[context] = load(x + f * stride + i);
            for (int k = 0; k <= context; k++)
                sum += last[k] * load(layer->taps + (long)k * width + i);
            store(x + f * stride + i, silu(sum));
            for (int k = 0; k < context; k++)
                last[k] = last[k + 1];
        }
        for (int k = 0; k < context; k++)
            store(conv + (long)k * width + i, last[k]);
    }
}

/* h_t = exp(dt A) h_(t-1) + dt x B, y_t = C h_t + D x: one row. x: (frames) at `stride`, becomes y; bc: B and C at `bc_stride`; dt:
 * (frames, d_inner). */
static void scan(const MambaShape *shape, const MambaLayer *layer, int frames, float *x, long stride, const float *dt, const float *bc,
                 long bc_stride, float *h)
{
    int width = shape->d_inner, states = shape->d_state;
    for (int f = 0; f < frames; f++, x += stride, dt += width, bc += bc_stride)
        for (int i = 0; i < width; i += LANES) {
            v8 input = load(x + i), step = load(dt + i), sum = load(layer->d + i) * input, scaled = step * input;
            for (int s = 0; s < states; s++) {
                long at = (long)s * width + i;
                v8 now = exponential(step * load(layer->a + at)) * load(h + at) + scaled * bc[s];
                store(h + at, now);
                sum += now * bc[states + s];
            }
            store(x + i, sum);
        }
}

/* x (count * frames, d_model), the frames of the rows `row`, -> y, the same shape. conv (rows, layers, d_conv - 1, d_inner) and
 * ssm (rows, layers, d_state, d_inner) go on. room: tokens * (d_model + 3 d_inner + rank + 2 d_state). */
void mamba(const MambaShape *shape, const MambaLayer *layers, const int32_t *row, int count, int frames, float *x, float *y, float *conv,
           float *ssm, float *room)
{
    int tokens = count * frames, width = shape->d_inner, projected = shape->rank + 2 * shape->d_state;
    float *normed = room, *both = normed + (long)tokens * shape->d_model, *dt = both + (long)tokens * 2 * width;
    float *bc = dt + (long)tokens * width;
    for (int number = 0; number < shape->layers; number++) {
        const MambaLayer *layer = layers + number;
        rms_norm(x, tokens, shape->d_model, layer->norm, shape->eps, normed);
        linear(normed, tokens, layer->in_proj, 0, shape->d_model, both, 2 * width, 0);
        for (int r = 0; r < count; r++)
            convolve(shape, layer, frames, both + (long)r * frames * 2 * width, 2 * width,
                     conv + ((long)row[r] * shape->layers + number) * (shape->d_conv - 1) * width);
        for (int t = 0; t < tokens; t++) /* x beside x, for the projection */
            memcpy(dt + (long)t * width, both + (long)t * 2 * width, width * sizeof(float));
        linear(dt, tokens, layer->x_proj, 0, width, bc, projected, 0);
        for (int t = 0; t < tokens; t++) {
            linear(bc + (long)t * projected, 1, layer->dt_proj, layer->dt_bias, shape->rank, dt + (long)t * width, width, 0);
            for (int i = 0; i < width; i += LANES)
                store(dt + (long)t * width + i, softplus(load(dt + (long)t * width + i)));
        }
        for (int r = 0; r < count; r++) {
            long first = (long)r * frames;
            scan(shape, layer, frames, both + first * 2 * width, 2 * width, dt + first * width, bc + first * projected + shape->rank,
                 projected, ssm + ((long)row[r] * shape->layers + number) * shape->d_state * width);
        }
        for (int t = 0; t < tokens; t++)
            for (int i = 0; i < width; i += LANES) {
                float *at = both + (long)t * 2 * width + i;
                store(dt + (long)t * width + i, load(at) * silu(load(at + width)));
            }
        linear(dt, tokens, layer->out_proj, 0, width, x, shape->d_model, 1);
    }
    rms_norm(x, tokens, shape->d_model, shape->norm, shape->eps, y);
}

/* W (out, in) -> as `linear` reads it: (out / PANEL, in, PANEL). */
void pack(const float *weight, int out, int in, float *to)
{
    for (int o = 0; o < (out + PANEL - 1) / PANEL * PANEL; o++)
        for (int k = 0; k < in; k++)
            to[((long)(o / PANEL) * in + k) * PANEL + o % PANEL] = o < out ? weight[(long)o * in + k] : 0.0f;
}
