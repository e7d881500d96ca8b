//! Exact contributions and interactions: Shapley values of each leaf's own game, added over leaves and trees.
//!
//! A leaf with value `v` and `n` features on its way is a game of `n` players: of a set of known features it is worth `v`
//! times the shares of those that are not known, or nothing if a known one does not take the row. Let `T` be the players
//! that take the row, `Z` the product of the shares of the others, `e` the coefficients of the product of `(share + x)`
//! over `T`, and `w(s, n) = s! (n - 1 - s)! / n!`. Then a player that does not take the row adds
//! `-v Z sum w(s, n) e[s]`, which is the same for all of them, and a player `j` of `T` adds
//! `v Z (1 - share_j) sum w(s, n) q[s]`, where `q` is `e` divided by `(share_j + x)`. Pairs are the same with one player
//! fixed: half the difference between the games of `n - 1` players in which it is known and unknown. This is what the
//! recursion of the paper adds up, in `O(leaves * depth^2)` a row and tree, without its stack.
//!
//! What players add depends on the row only through who takes it, so for many rows and few players every case is worked out
//! once ([`Tables`]); the numbers are the same.
//!
//! Source: Lundberg, Erion, Lee (2018), sections 2 and 3; XGBoost `src/predictor/treeshap.cc`.

use crate::booster::Booster;
use crate::dataset::Dataset;
use crate::threads::Threads;

use super::ExplainError;
use super::path::{PathTree, Way};
use super::rows::{RowBlock, SplitRows};

/// Players and numbers of tables that are held at a time, so that memory does not grow with the model.
const HELD_AT_A_TIME: usize = 1 << 21;

/// Players of a game whose cases are worked out beforehand.
const TABLE_PLAYERS: usize = 8;

/// Rows from which on that pays.
const ROWS_FOR_TABLES: usize = 256;

/// `(n_rows, n_groups, n_features + 1)`, without what rows start from.
pub(super) fn contributions(
    booster: &Booster,
    data: &Dataset,
    threads: &Threads,
) -> Result<Vec<f64>, ExplainError> {
    let n_columns = booster.n_features() + 1;
    let mut out = vec![0.0; data.n_rows() * booster.n_groups() * n_columns];
    explain(booster, data, threads, &mut out, &|games, place, out| {
        games.add_contributions(place, n_columns, out);
    })?;
    Ok(out)
}

/// `(n_rows, n_groups, n_features + 1, n_features + 1)`, without what rows start from.
pub(super) fn interactions(
    booster: &Booster,
    data: &Dataset,
    threads: &Threads,
) -> Result<Vec<f64>, ExplainError> {
    let n_columns = booster.n_features() + 1;
    let alone = contributions(booster, data, threads)?;
    let mut out = vec![0.0; alone.len() * n_columns];
    explain(booster, data, threads, &mut out, &|games, place, out| {
        games.add_interactions(place, n_columns, out);
    })?;
    let matrices = out.chunks_exact_mut(n_columns * n_columns);
    for (matrix, alone) in matrices.zip(alone.chunks_exact(n_columns)) {
        for (feature, line) in matrix.chunks_exact_mut(n_columns).enumerate() {
            line[feature] = 0.0;
            line[feature] = alone[feature] - line.iter().sum::<f64>();
        }
    }
    Ok(out)
}

type Add<'a> = dyn Fn(&mut Games<'_, '_>, Place<'_>, &mut [f64]) + Sync + 'a;

/// A row in its block.
#[derive(Clone, Copy)]
struct Place<'a> {
    block: &'a RowBlock,
    row: usize,
}

/// Calls `add` with each row, for as many trees at a time as fit.
fn explain(
    booster: &Booster,
    data: &Dataset,
    threads: &Threads,
    out: &mut [f64],
    add: &Add<'_>,
) -> Result<(), ExplainError> {
    let rows = SplitRows::new(booster, data);
    let mut weights = Weights::default();
    let mut next = 0;
    while next < booster.trees.len() {
        let mut trees = Vec::new();
        let mut held = 0;
        while next < booster.trees.len() && held < HELD_AT_A_TIME {
            let paths = PathTree::new(booster, next, &rows)?;
            weights.extend_to(&paths);
            let tree = GameTree::new(paths, data.n_rows() >= ROWS_FOR_TABLES, &weights);
            held += tree.paths.players.len() + tree.tables.values.len();
            trees.push(tree);
            next += 1;
        }
        let games = || Games::new(&trees, &weights, rows.features());
        rows.for_each(out, threads, games, |games, block, row, out| {
            add(games, Place { block, row }, out);
        });
    }
    Ok(())
}

/// A tree with what is known of it before any row.
struct GameTree<'a> {
    paths: PathTree<'a>,
    /// What it adds to each output where no feature is known.
    bias: Vec<f64>,
    tables: Tables,
}

impl<'a> GameTree<'a> {
    fn new(paths: PathTree<'a>, has_tables: bool, weights: &Weights) -> Self {
        let mut tables = Tables::default();
        if has_tables {
            let mut game = Game::default();
            for way in &paths.ways {
                tables.push(&paths, way, &mut game, weights);
            }
        }
        Self {
            bias: paths.bias(),
            paths,
            tables,
        }
    }
}

/// What each player of each way adds in each case: bit `p` of a case says whether player `p` takes the row.
#[derive(Default)]
struct Tables {
    values: Vec<f64>,
    /// Where a way's numbers begin, `(2^n, n)` row-major; `None` if it has too many players.
    starts: Vec<Option<usize>>,
}

impl Tables {
    fn push(&mut self, tree: &PathTree<'_>, way: &Way, game: &mut Game, weights: &Weights) {
        let n = way.players.len();
        if n > TABLE_PLAYERS {
            self.starts.push(None);
            return;
        }
        self.starts.push(Some(self.values.len()));
        for case in 0..1_usize << n {
            game.taken.clear();
            game.taken
                .extend((0..n).map(|player| case >> player & 1 == 1));
            game.play(tree, way, weights);
            self.values.extend(&game.units);
        }
    }

    /// What each player of way number `way` adds for a row.
    fn units(&self, tree: &PathTree<'_>, way: usize, place: Place<'_>) -> Option<&[f64]> {
        let start = (*self.starts.get(way)?)?;
        let players = &tree.players[tree.ways[way].players.clone()];
        let mut case = 0;
        for (player, it) in players.iter().enumerate() {
            let taken = it.takes(place.block.value(place.row, it.column as usize));
            case |= usize::from(taken) << player;
        }
        let n = players.len();
        Some(&self.values[start + case * n..start + (case + 1) * n])
    }
}

/// `w(s, n) = s! (n - 1 - s)! / n!` for every `n` that is asked for.
#[derive(Default)]
struct Weights {
    by_players: Vec<Vec<f64>>,
}

impl Weights {
    /// Makes what the ways of a tree need.
    fn extend_to(&mut self, tree: &PathTree<'_>) {
        let most = tree.ways.iter().map(|it| it.players.len()).max();
        for n in self.by_players.len()..=most.unwrap_or(0) {
            let mut weight = 1.0 / n as f64;
            let all = (0..n).map(|s| {
                if s > 0 {
                    weight *= s as f64 / (n - s) as f64;
                }
                weight
            });
            self.by_players.push(all.collect());
        }
    }

    /// The sum of `w(s, n) * coefficients[s]`.
    fn sum(&self, n: usize, coefficients: &[f64]) -> f64 {
        let weights = self.by_players[n].iter();
        weights.zip(coefficients).map(|(a, b)| a * b).sum()
    }
}

/// Memory for one leaf's game.
#[derive(Default)]
struct Game {
    taken: Vec<bool>,
    /// `e`.
    product: Vec<f64>,
    /// `Z`.
    others: f64,
    /// `q`.
    quotient: Vec<f64>,
    /// `q` divided once more.
    quotient_of_two: Vec<f64>,
    /// What each player adds to a leaf that is worth 1.
    units: Vec<f64>,
}

impl Game {
    /// Finds `e` and `Z` of those who take the row.
    fn prepare(&mut self, tree: &PathTree<'_>, way: &Way) {
        self.others = 1.0;
        self.product.clear();
        self.product.push(1.0);
        let players = tree.players[way.players.clone()].iter();
        for (player, &taken) in players.zip(&self.taken) {
            if taken {
                multiply(&mut self.product, player.share);
            } else {
                self.others *= player.share;
            }
        }
    }

    /// What each player adds to a leaf that is worth 1, to `units`.
    fn play(&mut self, tree: &PathTree<'_>, way: &Way, weights: &Weights) {
        self.prepare(tree, way);
        let (n, others) = (way.players.len(), self.others);
        self.units.clear();
        if others == 0.0 {
            self.units.resize(n, 0.0);
            return;
        }
        let not_taken = -others * weights.sum(n, &self.product);
        let players = tree.players[way.players.clone()].iter();
        for (player, &taken) in players.zip(&self.taken) {
            let unit = if taken {
                divide(&self.product, player.share, &mut self.quotient);
                others * (1.0 - player.share) * weights.sum(n, &self.quotient)
            } else {
                not_taken
            };
            self.units.push(unit);
        }
    }

    /// Makes `quotient` the product without player `first`, if that is in it.
    fn divide_by(&mut self, tree: &PathTree<'_>, way: &Way, first: usize) {
        if self.taken[first] {
            let share = tree.players[way.players.start + first].share;
            divide(&self.product, share, &mut self.quotient);
        } else {
            self.quotient.clone_from(&self.product);
        }
    }

    /// Twice what two players add together to a leaf that is worth 1; `quotient` is without the first already.
    fn pair(
        &mut self,
        tree: &PathTree<'_>,
        way: &Way,
        [first, second]: [usize; 2],
        weights: &Weights,
    ) -> f64 {
        let share = |it: usize| tree.players[way.players.start + it].share;
        let factor = |it: usize, taken: bool| if taken { 1.0 - share(it) } else { -1.0 };
        let taken = [first, second].map(|it| self.taken[it]);
        let n = way.players.len() - 1;
        let sum = if taken[1] {
            divide(&self.quotient, share(second), &mut self.quotient_of_two);
            weights.sum(n, &self.quotient_of_two)
        } else {
            weights.sum(n, &self.quotient)
        };
        self.others * factor(first, taken[0]) * factor(second, taken[1]) * sum
    }
}

/// The games of some trees.
struct Games<'g, 'a> {
    trees: &'g [GameTree<'a>],
    weights: &'g Weights,
    /// The feature of each column.
    features: &'g [u32],
    game: Game,
}

impl<'g, 'a> Games<'g, 'a> {
    fn new(trees: &'g [GameTree<'a>], weights: &'g Weights, features: &'g [u32]) -> Self {
        Self {
            trees,
            weights,
            features,
            game: Game::default(),
        }
    }

    fn add_contributions(&mut self, place: Place<'_>, n_columns: usize, out: &mut [f64]) {
        let Self {
            trees,
            weights,
            features,
            game,
        } = self;
        for GameTree {
            paths,
            bias,
            tables,
        } in *trees
        {
            for (output, bias) in bias.iter().enumerate() {
                out[(paths.group + output + 1) * n_columns - 1] += bias;
            }
            for (number, way) in paths.ways.iter().enumerate() {
                let units = if let Some(units) = tables.units(paths, number, place) {
                    units
                } else {
                    paths.takes(way, place.block, place.row, &mut game.taken);
                    game.play(paths, way, weights);
                    &game.units
                };
                let players = &paths.players[way.players.clone()];
                for (output, value) in paths.values(number).iter().enumerate() {
                    let out = &mut out[(paths.group + output) * n_columns..][..n_columns];
                    for (player, unit) in players.iter().zip(units) {
                        out[features[player.column as usize] as usize] += unit * value;
                    }
                }
            }
        }
    }

    /// Adds what pairs of different features do together; the diagonal is left alone.
    fn add_interactions(&mut self, place: Place<'_>, n_columns: usize, out: &mut [f64]) {
        for tree in self.trees {
            let paths = &tree.paths;
            for (number, way) in paths.ways.iter().enumerate() {
                paths.takes(way, place.block, place.row, &mut self.game.taken);
                self.game.prepare(paths, way);
                if self.game.others == 0.0 {
                    continue;
                }
                let n = way.players.len();
                for first in 0..n {
                    self.game.divide_by(paths, way, first);
                    for second in first + 1..n {
                        let pair = [first, second];
                        let unit = self.game.pair(paths, way, pair, self.weights) / 2.0;
                        let [a, b] = pair.map(|it| {
                            let column = paths.players[way.players.start + it].column;
                            self.features[column as usize] as usize
                        });
                        for (output, value) in paths.values(number).iter().enumerate() {
                            let matrix = (paths.group + output) * n_columns * n_columns;
                            out[matrix + a * n_columns + b] += unit * value;
                            out[matrix + b * n_columns + a] += unit * value;
                        }
                    }
                }
            }
        }
    }
}

/// Multiplies a polynomial by `(share + x)`.
fn multiply(product: &mut Vec<f64>, share: f64) {
    product.push(0.0);
    for place in (0..product.len()).rev() {
        let lower = if place > 0 { product[place - 1] } else { 0.0 };
        product[place] = product[place] * share + lower;
    }
}

/// Divides a polynomial by `(share + x)`, of which it is a multiple, from the highest power down: a share is at most 1, so
/// errors shrink on the way.
fn divide(product: &[f64], share: f64, quotient: &mut Vec<f64>) {
    quotient.clear();
    quotient.resize(product.len() - 1, 0.0);
    let mut above = 0.0;
    for place in (0..quotient.len()).rev() {
        above = product[place + 1] - share * above;
        quotient[place] = above;
    }
}
