//! What may stand as a target in a linfa dataset, and how it becomes a label and comes back from a prediction.

/// A target of one row: a number, or a class.
pub trait Target: Copy {
    /// The label to learn from.
    fn to_label(self) -> f32;

    /// The target that a prediction of one row means: one number, or a probability for each class.
    fn from_prediction(prediction: &[f32]) -> Self;
}

/// A number is the prediction itself; for `multi:softprob` it is the number of the most probable class.
impl Target for f32 {
    fn to_label(self) -> f32 {
        self
    }

    fn from_prediction(prediction: &[f32]) -> Self {
        match prediction {
            [value] => *value,
            classes => most_probable(classes) as Self,
        }
    }
}

/// As `f32`.
impl Target for f64 {
    fn to_label(self) -> f32 {
        self as f32
    }

    fn from_prediction(prediction: &[f32]) -> Self {
        f32::from_prediction(prediction).into()
    }
}

/// True is label 1, and a prediction above one half; for `multi:softprob`, any class but the first.
impl Target for bool {
    fn to_label(self) -> f32 {
        f32::from(u8::from(self))
    }

    fn from_prediction(prediction: &[f32]) -> Self {
        f32::from_prediction(prediction) > 0.5
    }
}

/// A class's number or a count; a prediction is rounded to the nearest.
impl Target for usize {
    fn to_label(self) -> f32 {
        self as f32
    }

    fn from_prediction(prediction: &[f32]) -> Self {
        f32::from_prediction(prediction).round() as Self
    }
}

/// The first of the largest.
fn most_probable(classes: &[f32]) -> usize {
    let better = |best: usize, (class, &value): (usize, &f32)| {
        if value > classes[best] { class } else { best }
    };
    classes.iter().enumerate().fold(0, better)
}
