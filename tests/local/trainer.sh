#!/bin/sh
# Stands in for linden-trainer where a test is about the platform: prints metric lines, obeys the contract's folders, and
# ends as the hyperparameter `mode` says.
[ "$1" = train ] || exit 9
cd "$SAGEMAKER_BASE_DIR" || exit 8
mode=$(sed -n 's/.*"mode":"\([a-z-]*\)".*/\1/p' input/config/hyperparameters.json)
host=$(sed -n 's/.*"current_host": *"\([a-z0-9-]*\)".*/\1/p' input/config/resourceconfig.json)
printf '[0]\ttrain-rmse:2.50000\tvalidation-rmse:3.50000\n'
printf '[1]\ttrain-rmse:1.25000\tvalidation-rmse:3.00000\n'

linger() {
    i=0
    while [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
}

case "$mode-$host" in
fail-algo-1 | peer-algo-2) printf 'UserError: label is -1\nrow 3\n' >output/failure; exit 1 ;;
mute-*) exit 3 ;;
wait-* | peer-*) trap 'echo early >model/xgboost-model; exit 0' TERM; linger ;;
spot-*)
    # Until it is interrupted it lingers; what it has kept by then lets it go on to its end.
    if [ ! -f "checkpoints/$host" ]; then trap 'echo kept >"checkpoints/$host"; exit 0' TERM; linger; fi ;;
score-*)
    # The metric is the hyperparameter `x`.
    x=$(sed -n 's/.*"x":"\([a-z0-9.-]*\)".*/\1/p' input/config/hyperparameters.json)
    [ "$x" = bad ] && { echo 'UserError: x is bad' >output/failure; exit 1; }
    printf '[2]\ttrain-rmse:%s\n' "$x" ;;
brief-*) sleep 0.3 ;;
deaf-*) trap '' TERM; linger ;;
esac

mkdir -p model/linden
if [ "$mode" = pipe ]; then
    # Two epochs, of which the first is left after some bytes.
    head -c 4 input/data/train_0 >"model/linden/epoch-0-$host"
    until [ -p input/data/train_1 ]; do sleep 0.05; done
    cat input/data/train_1 >"model/linden/epoch-1-$host"
fi
if [ "$host" = algo-1 ]; then echo "model" >model/xgboost-model; fi
find input/data -type f | sort >"model/linden/files-$host"
env | sort >"model/linden/env-$host"
echo '{}' >output/data/evaluation.json
if [ -d checkpoints ]; then
    cat checkpoints/last 2>/dev/null >model/linden/resumed
    echo "state of $TRAINING_JOB_NAME" >checkpoints/last
    echo no >checkpoints/half.sagemaker-ignore
fi
exit 0
