"""The programs import `theano`, which is there only while their tests run."""

collect_ignore = ["programs"]
