/* BG/NBD log-likelihood with its gradient in (r, alpha, a, b), by hand and plainly, as the peer of churnsim's kernel.
 *
 * Fader, Hardie & Lee (2005), eq. 6. Tables by x hold the sums of logarithms; a customer costs three logarithms and an
 * exponential. Two threads take half of the customers each.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    double r, alpha, a, b;
    const int64_t *x;
    const double *t_x, *T, *table;
    long from, to;
    double out[5];
} work_t;

static void *part(void *given)
{
    work_t *w = given;
    const double r = w->r, alpha = w->alpha, log_alpha = log(alpha);
    double value = 0, g_r = 0, g_alpha = 0, g_a = 0, g_b = 0;
    for (long i = w->from; i < w->to; i++) {
        const int64_t n = w->x[i];
        const double *row = w->table + 6 * n;
        const double late = 1.0 / (alpha + w->T[i]), log_T = log(alpha + w->T[i]);
        value += row[0] + r * log_alpha - (r + n) * log_T;
        g_r += row[1] + log_alpha - log_T;
        g_alpha += r / alpha - (r + n) * late;
        g_a += row[2];
        g_b += row[3];
        if (n > 0) {
            const double early = 1.0 / (alpha + w->t_x[i]);
            const double silence = log_T - log(alpha + w->t_x[i]);
            const double odds = row[4] + (r + n) * silence;
            const double small = exp(-fabs(odds));
            const double gone = (odds > 0 ? 1.0 : small) / (1.0 + small);
            value += fmax(odds, 0.0) + log(1.0 + small);
            g_r += gone * silence;
            g_alpha += gone * (r + n) * (late - early);
            g_a += gone / w->a;
            g_b -= gone * row[5];
        }
    }
    w->out[0] = value; w->out[1] = g_r; w->out[2] = g_alpha; w->out[3] = g_a; w->out[4] = g_b;
    return NULL;
}

void objective(double r, double alpha, double a, double b, const int64_t *x, const double *t_x, const double *T,
               long customers, long top, double *out)
{
    double *table = malloc(6 * (top + 1) * sizeof(double));
    double value = 0, d_r = 0, d_a = 0, d_b = 0;
    for (long n = 0; n <= top; n++) {
        double *row = table + 6 * n;
        const double last = n > 0 ? b + n - 1 : b;
        row[0] = value; row[1] = d_r; row[2] = d_a; row[3] = d_b; row[4] = log(a / last); row[5] = 1 / last;
        value += log((r + n) * (b + n) / (a + b + n));
        d_r += 1 / (r + n);
        d_a -= 1 / (a + b + n);
        d_b += 1 / (b + n) - 1 / (a + b + n);
    }
    work_t work[2];
    pthread_t thread;
    for (int k = 0; k < 2; k++)
        work[k] = (work_t){r, alpha, a, b, x, t_x, T, table, customers * k / 2, customers * (k + 1) / 2, {0}};
    pthread_create(&thread, NULL, part, &work[1]);
    part(&work[0]);
    pthread_join(thread, NULL);
    for (int j = 0; j < 5; j++)
        out[j] = work[0].out[j] + work[1].out[j];
    free(table);
}
