module capsh

go 1.26
