"""Counts the words of a text by Spark, whose workers are hprof's `word_count`: word_count.py TEXT WORD_COUNT COUNTS [QUESTION].

The counts go into a file, as `word_count` prints them. Spark gives a worker the environment of `env` and nothing else, so what hprof has told this
program is handed on there. QUESTION is further Python, for which `spark` is the session.
"""

import operator
import os
import sys

from pyspark.sql import SparkSession

text, word_count, counts = sys.argv[1:4]
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
hprof = {name: value for name, value in os.environ.items() if name.startswith("HPROF_")}

parts = spark.sparkContext.textFile(text, 4)
assert parts.getNumPartitions() == 4
lines = parts.pipe(f"{word_count} --top 1000000 -", env=hprof, checkCode=True)
words = lines.map(lambda line: line.split(" ", 1)).map(lambda pair: (pair[1], int(pair[0])))
with open(counts, "w") as out:
    for word, count in words.reduceByKey(operator.add).collect():
        print(count, word, file=out)

for question in sys.argv[4:]:
    exec(question)
spark.stop()
