/* The selective scan of Mamba-1 over whole recordings and back, for training. The names and shapes are those of parley/encoder/mamba.py.
 *
 * A span of frames at a time, a vector of the inner axis at a time: what a span reads stays in the processor's cache. Of all h only those
 * before each span are kept for the way back, which makes the others again. */
#include "vector.h"

#define SPAN 16 /* frames */

/* x, dt, y: (frames, rows, width); a: (states, width); b, c: (frames, rows, states); h: (rows, states, width);
 * starts: (spans, rows, states, width), h before each span. */
typedef struct {
    int frames, rows, states, width;
    const float *x, *dt, *a, *b, *c;
    float *starts;
} Scan;

INLINE long over_width(const Scan *scan, int frame, int row) { return ((long)frame * scan->rows + row) * scan->width; }
INLINE long over_states(const Scan *scan, int frame, int row) { return ((long)frame * scan->rows + row) * scan->states; }

INLINE void forward(const int states, const Scan *scan, float *h, float *y)
{
    int width = scan->width;
    for (int row = 0; row < scan->rows; row++)
        for (int first = 0; first < scan->frames; first += SPAN) {
            int end = first + SPAN < scan->frames ? first + SPAN : scan->frames;
            float *now = h + (long)row * states * width;
            memcpy(scan->starts + ((long)first / SPAN * scan->rows + row) * states * width, now, (long)states * width * sizeof(float));
            for (int i = 0; i < width; i += LANES) {
                v8 state[states], rate[states];
                for (int n = 0; n < states; n++)
                    state[n] = load(now + (long)n * width + i), rate[n] = load(scan->a + (long)n * width + i);
                for (int f = first; f < end; f++) {
                    long at = over_width(scan, f, row) + i, weights = over_states(scan, f, row);
                    v8 dt = load(scan->dt + at), input = dt * load(scan->x + at), sum = splat(0.0f);
                    for (int n = 0; n < states; n++) {
                        state[n] = exponential(dt * rate[n]) * state[n] + input * scan->b[weights + n];
                        sum += state[n] * scan->c[weights + n];
                    }
                    store(y + at, sum);
                }
                for (int n = 0; n < states; n++)
                    store(now + (long)n * width + i, state[n]);
            }
        }
}

/* h is in place: before the first frame, then after the last. */
void scan_forward(const Scan *scan, float *h, float *y)
{
    switch (scan->states) {
    case 8: forward(8, scan, h, y); break;
    case 16: forward(16, scan, h, y); break;
    default: forward(scan->states, scan, h, y);
    }
}

typedef struct {
    const float *y;
    float *x, *dt, *a, *b, *c, *h; /* a is added to; h in place: of the last, then of what is before the first frame */
} Gradients;

/* The frames from `first` to `end`, at most SPAN, of one row. */
INLINE void span_backward(const int states, const Scan *scan, const Gradients *grad, int row, int first, int end)
{
    int width = scan->width;
    const float *start = scan->starts + ((long)first / SPAN * scan->rows + row) * states * width;
    float *carry = grad->h + (long)row * states * width;
    v8 of_b[SPAN * states], of_c[SPAN * states], decay[SPAN * states], state[(SPAN + 1) * states]; /* state: before each frame, and last */
    for (int k = 0; k < SPAN * states; k++)
        of_b[k] = of_c[k] = splat(0.0f);
    for (int i = 0; i < width; i += LANES) {
        v8 rate[states], g[states], of_a[states];
        for (int n = 0; n < states; n++) {
            long at = (long)n * width + i;
            rate[n] = load(scan->a + at), g[n] = load(carry + at), of_a[n] = splat(0.0f), state[n] = load(start + at);
        }
        for (int f = first, k = 0; f < end; f++) {
            long at = over_width(scan, f, row) + i, weights = over_states(scan, f, row);
            v8 dt = load(scan->dt + at), input = dt * load(scan->x + at);
            for (int n = 0; n < states; n++, k++) {
                decay[k] = exponential(dt * rate[n]);
                state[k + states] = decay[k] * state[k] + input * scan->b[weights + n];
            }
        }
        for (int f = end - 1; f >= first; f--) {
            long at = over_width(scan, f, row) + i, weights = over_states(scan, f, row);
            v8 of_y = load(grad->y + at), dt = load(scan->dt + at), x = load(scan->x + at), of_input = splat(0.0f), of_dt = splat(0.0f);
            for (int n = 0, k = (f - first) * states; n < states; n++, k++) {
                of_c[k] += of_y * state[k + states];
                g[n] += of_y * scan->c[weights + n];
                of_input += g[n] * scan->b[weights + n];
                of_b[k] += g[n] * (dt * x);
                g[n] *= decay[k]; /* from here on of the h before */
                v8 of_rate = g[n] * state[k];
                of_dt += of_rate * rate[n];
                of_a[n] += of_rate * dt;
            }
            store(grad->x + at, of_input * dt);
            store(grad->dt + at, of_dt + of_input * x);
        }
        for (int n = 0; n < states; n++) {
            long at = (long)n * width + i;
            store(carry + at, g[n]);
            store(grad->a + at, load(grad->a + at) + of_a[n]);
        }
    }
    for (int f = first, k = 0; f < end; f++)
        for (int n = 0; n < states; n++, k++) {
            grad->b[over_states(scan, f, row) + n] = total(of_b[k]);
            grad->c[over_states(scan, f, row) + n] = total(of_c[k]);
        }
}

void scan_backward(const Scan *scan, const Gradients *grad)
{
    for (int row = 0; row < scan->rows; row++)
        for (int first = (scan->frames - 1) / SPAN * SPAN; first >= 0; first -= SPAN) {
            int end = first + SPAN < scan->frames ? first + SPAN : scan->frames;
            switch (scan->states) {
            case 8: span_backward(8, scan, grad, row, first, end); break;
            case 16: span_backward(16, scan, grad, row, first, end); break;
            default: span_backward(scan->states, scan, grad, row, first, end);
            }
        }
}
