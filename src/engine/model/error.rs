//! Why bytes are not a model, each with the place in the document.

/// Why a model was refused. Paths are the document's own: `learner.gradient_booster.model.trees[3].parents`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The first bytes are not those of any format.
    #[error(
        "expected XGBoost's JSON or UBJSON, beginning with `{{`, or LightGBM's text, beginning with a line `tree`, found {found}"
    )]
    Format {
        /// The first bytes, as text.
        found: String,
    },
    /// The bytes break off, or are not the encoding that they began as.
    #[error("damaged model at byte {offset}: {problem}")]
    Syntax {
        /// Where, counted from 0.
        offset: usize,
        /// What was expected there.
        problem: String,
    },
    /// A member is missing, or is of another type or value than the model's document has there.
    #[error("model member `{path}`: expected {expected}, found {found}")]
    Schema {
        /// The member.
        path: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The nodes of a tree are not a tree.
    #[error("tree {tree}, node {node}: {problem}")]
    Tree {
        /// The tree's place in the model.
        tree: usize,
        /// The node's place in the tree.
        node: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A sound model of a kind that this engine does not have.
    #[error("model member `{path}`: {what} is not supported, allowed is {allowed}")]
    Unsupported {
        /// The member that asks for it.
        path: String,
        /// What it asks for.
        what: String,
        /// What there is instead.
        allowed: String,
    },
}

impl ModelError {
    pub(super) fn syntax(offset: usize, problem: impl Into<String>) -> Self {
        Self::Syntax {
            offset,
            problem: problem.into(),
        }
    }

    pub(super) fn schema(
        path: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Schema {
            path: path.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(super) fn tree(tree: usize, node: usize, problem: impl Into<String>) -> Self {
        Self::Tree {
            tree,
            node,
            problem: problem.into(),
        }
    }
}
