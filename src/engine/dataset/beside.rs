//! What every kind of table says of its rows: labels, weights, and what else stands beside the features.

/// Gives a table with `labels`, `weights` and `side` the methods that read them.
macro_rules! beside_features {
    ($table:ty) => {
        impl $table {
            /// Rows, at least 1.
            pub fn n_rows(&self) -> usize {
                self.labels.len()
            }

            /// Labels, `(n_rows,)`; of several targets the first one's.
            pub fn labels(&self) -> &[f32] {
                &self.labels
            }

            /// Labels of a row: what a booster has targets for.
            pub fn n_targets(&self) -> usize {
                self.side.n_targets(self.n_rows())
            }

            /// All labels, `(n_rows, n_targets)` row-major.
            pub fn label_matrix(&self) -> std::borrow::Cow<'_, [f32]> {
                self.side.label_matrix(&self.labels)
            }

            /// Weights, `(n_rows,)`; `None` is 1 for every row.
            pub fn weights(&self) -> Option<&[f32]> {
                self.weights.as_deref()
            }

            /// Upper ends of the intervals that labels begin, `(n_rows,)`; `None` is the labels again. Infinity is a label
            /// that is known from below only (right-censored).
            pub fn label_upper_bound(&self) -> Option<&[f32]> {
                self.side.label_upper_bound.as_deref()
            }

            /// Labels, weights, upper bounds and queries.
            pub fn targets(&self) -> $crate::dataset::Targets<'_> {
                self.side.targets(&self.labels, self.weights())
            }

            /// Where each query begins, and behind the last one the number of rows, `(n_queries + 1,)`; `None` without
            /// queries.
            pub fn group_ptr(&self) -> Option<&[usize]> {
                self.side.group_ptr.as_deref()
            }

            /// Margins to start from, `(n_rows, n_groups)` row-major, where there are any.
            pub fn base_margin(&self) -> Option<&[f32]> {
                self.side.base_margin.as_deref()
            }

            /// Exposures, `(n_rows,)`, where there are any; their logarithms are added to the margins.
            pub fn exposure(&self) -> Option<&[f32]> {
                self.side.exposure.as_deref()
            }
        }
    };
}

pub(crate) use beside_features;
