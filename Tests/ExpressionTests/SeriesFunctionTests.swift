import Testing

/// Values that the pages of the language reference show, and what elements that are no numbers give.
@Suite struct SeriesFunctionTests {
  @Test(arguments: seriesCases) func documented(_ text: String, _ expected: String) { #expect(printed(text) == expected) }

  /// Functions with several outputs give an array of them, the whole of which `$output` takes apart.
  @Test func outputs() {
    #expect(printed("series_fft(dynamic([1, 0, 0, 0]))") == "[[1.0,1.0,1.0,1.0],[0.0,0.0,0.0,0.0]]")
    #expect(printed("series_stats(dynamic([1, null]))") == "null")
    #expect(printed("series_fit_line(dynamic([1, 'x']))") == "null")
  }

  @Test func refused() {
    #expect(printed("series_outliers(dynamic([1, 2]), 'x')").contains("'tukey' or 'ctukey'"))
    #expect(printed("series_decompose(dynamic([1, 2]), 0, 'x')").contains("'linefit'"))
    #expect(printed("series_outliers(dynamic([1, 2]), 'ctukey', 0, 1, 90)").contains("between 2 and 98"))
    #expect(printed("series_add(1, 2)").contains("array"))
  }
}

private let seriesCases: [(String, String)] = [
  (#"series_add(dynamic([1,2,4]), dynamic([4,2,1]))"#, #"[5,4,5]"#),
  (#"series_add(dynamic([1,2,4]), 10)"#, #"[11,12,14]"#),
  (#"series_divide(dynamic([2,4,8]), dynamic([8,4,2]))"#, #"[0.25,1.0,4.0]"#),
  (#"series_divide(dynamic([1]), 0)"#, #"["Infinity"]"#),
  (#"series_pow(dynamic([1,2,3,4]), dynamic([1,2,3,0.5]))"#, #"[1.0,4.0,27.0,2.0]"#),
  (#"series_subtract(dynamic([1,2,4]), dynamic([4,"x"]))"#, #"[-3,null,null]"#),
  (#"series_equals(dynamic([1,2,4]), dynamic([4,2,1]))"#, #"[false,true,false]"#),
  (#"series_not_equals(dynamic([1,2,4]), dynamic([4,2,1]))"#, #"[true,false,true]"#),
  (#"series_less(dynamic([1,2,4]), dynamic([4,2,1]))"#, #"[true,false,false]"#),
  (#"series_abs(dynamic([-6.5,0,8.2]))"#, #"[6.5,0.0,8.2]"#),
  (#"series_floor(dynamic([-1.5,1,2.5]))"#, #"[-2.0,1.0,2.0]"#),
  (#"series_ceiling(dynamic([-1.5,1,2.5]))"#, #"[-1.0,1.0,3.0]"#),
  (#"series_sign(dynamic([-6,0,8]))"#, #"[-1,0,1]"#),
  (#"series_acos(dynamic([-1,0,1]))"#, #"[3.141592653589793,1.5707963267948966,0.0]"#),
  (#"series_log(dynamic([1,2,3]))"#, #"[0.0,0.6931471805599453,1.0986122886681098]"#),
  (#"series_sum(dynamic([1,2,3,4]))"#, #"10"#),
  (#"series_product(dynamic([1,2,3,4]))"#, #"24"#),
  (#"series_magnitude(dynamic([1,2,3,4]))"#, #"5.477225575051661"#),
  (#"series_dot_product(dynamic([1,2,4]), dynamic([4,2,1]))"#, #"12"#),
  (#"series_dot_product(dynamic([3,6,12]), 3)"#, #"63"#),
  (#"series_cosine_similarity(dynamic([0.1,0.2,0.1,0.2]), dynamic([1,2,3,4]))"#, #"0.9237604307034012"#),
  (#"series_pearson_correlation(dynamic([1,2,3,4,5]), dynamic([2,4,6,8,10]))"#, #"1"#),
  (#"series_stats(dynamic([23,46,23,87,4,8,3,75,2,56,13,75,32,16,29]))"#, #"[2.0,8,87.0,3,32.8,28.503633853548266,812.4571428571428]"#),
  (#"series_stats_dynamic(dynamic([23,46,23,87,4,8,3,75,2,56,13,75,32,16,29]))"#, #"{"min":2.0,"min_idx":8,"max":87.0,"max_idx":3,"avg":32.8,"stdev":28.503633853548266,"variance":812.4571428571428,"sum":492.0,"len":15}"#),
  (#"series_stats_dynamic(dynamic([23,null]))"#, #"null"#),
  (#"series_stats_dynamic(dynamic([23,null]), true)"#, #"{"min":23.0,"min_idx":0,"max":23.0,"max_idx":0,"avg":23.0,"stdev":0.0,"variance":0.0,"sum":23.0,"len":2}"#),
  (#"series_fill_forward(dynamic([null,null,36,41,null,null,16,61,33,null,null]))"#, #"[null,null,36,41,41,41,16,61,33,33,33]"#),
  (#"series_fill_backward(dynamic([111,null,36,41,null,null,16,61,33,null,null]))"#, #"[111,36,36,41,16,16,16,61,33,null,null]"#),
  (#"series_fill_const(dynamic([111,null,36,41,23,null,16,61,33,null,null]), 0.0)"#, #"[111,0.0,36,41,23,0.0,16,61,33,0.0,0.0]"#),
  (#"series_fill_const(dynamic([111,null,36,41,23,null,16,61,33,null,null]), -1)"#, #"[111,-1,36,41,23,-1,16,61,33,-1,-1]"#),
  (#"series_fill_linear(dynamic([null,111.0,null,36.0,41.0,null,null,16.0,61.0,33.0,null,null]))"#, #"[111.0,111.0,73.5,36.0,41.0,32.666666666666664,24.333333333333332,16.0,61.0,33.0,33.0,33.0]"#),
  (#"series_fill_linear(dynamic([null,111,null,36,41,null,null,16,61,33,null,null]))"#, #"[111,111,73,36,41,32,24,16,61,33,33,33]"#),
  (#"series_fill_linear(dynamic([null,111,null,36,41,null,null,16,61,33,null,null]), real(null), false)"#, #"[null,111,73,36,41,32,24,16,61,33,null,null]"#),
  (#"series_fill_linear(dynamic([null,null,null,null]))"#, #"[0.0,0.0,0.0,0.0]"#),
  (#"series_fill_linear(dynamic([null,null,null,null]), real(null), true, 3.14159)"#, #"[3.14159,3.14159,3.14159,3.14159]"#),
  (#"series_fir(dynamic([0,0,0,0,2,2,2,2,3,3,3,3]), dynamic([1,-1]), false, false)"#, #"[0.0,0.0,0.0,0.0,2.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0]"#),
  (#"series_fir(dynamic([0,0,0,10,20,40,100,40,20,10,0,0,0]), dynamic([1,1,1,1,1]), true, true)"#, #"[0.0,2.0,6.0,14.0,34.0,42.0,44.0,42.0,34.0,14.0,6.0,2.0,0.0]"#),
  (#"series_iir(dynamic([0,1,2,3,4]), dynamic([1]), dynamic([1,-1]))"#, #"[0.0,1.0,3.0,6.0,10.0]"#),
  (#"series_fit_line_dynamic(dynamic([2,5,6,8,11,15,17,18,25,26,30,30])).rsquare"#, #"0.982900730884447"#),
  (#"series_fit_2lines_dynamic(dynamic([1,2.2,2.5,4.7,5.0,12,10.3,10.3,9,8.3,6.2])).right.slope"#, #"-1.0371428571428571"#),
  (#"series_seasonal(dynamic([2,5,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1]))"#, #"[1.0,2.0,3.0,4.0,3.0,2.0,1.0,2.0,3.0,4.0,3.0,2.0,1.0,2.0,3.0,4.0,3.0,2.0,1.0,2.0,3.0,4.0,3.0,2.0,1.0]"#),
  (#"series_seasonal(dynamic([8,12,14,12,10,10,12,14,12,10,10,12,14,12,10,10,12,14,12,10]))"#, #"[10.0,12.0,14.0,12.0,10.0,10.0,12.0,14.0,12.0,10.0,10.0,12.0,14.0,12.0,10.0,10.0,12.0,14.0,12.0,10.0]"#),
  (#"series_seasonal(dynamic([1,3,5,2,4,6,1,3,5,2,4,6]))"#, #"[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]"#),
  (#"series_seasonal(dynamic([1,3,5,2,4,6,1,3,5,2,4,6]), 3)"#, #"[1.5,3.5,5.5,1.5,3.5,5.5,1.5,3.5,5.5,1.5,3.5,5.5]"#),
  (#"series_outliers(dynamic([-3,2.4,15,3.9,5,6,4.5,5.2,3,4,5,16,7,5,5,4]))"#, #"[-1.9040785483608569,-0.10021466044004519,1.3361954725339347,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.6702443406674183,0.0,0.0,0.0,0.0]"#),
  (#"series_decompose_anomalies(dynamic([1,3,5,1,3,5,2,9,6]), 1.5, 3, 'avg')"#, #"[[0,0,0,0,0,0,0,1,0],[0.0,0.0,0.0,0.0,0.0,0.0,0.0,5.5452112110158245,0.0],[1.8888888888888888,3.888888888888889,5.888888888888889,1.8888888888888888,3.888888888888889,5.888888888888889,1.8888888888888888,3.888888888888889,5.888888888888889]]"#),
  (#"dcount_hll(dynamic({"hll":14,"hashes":[1,2,3]}))"#, #"3"#),
  (#"dcount_hll(hll_merge(dynamic({"hll":14,"hashes":[1,2,3]}), dynamic({"hll":14,"hashes":[3,4]})))"#, #"4"#),
  (#"rank_tdigest(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), 2)"#, #"3"#),
  (#"percentrank_tdigest(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), 2)"#, #"75"#),
  (#"percentile_tdigest(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), 100)"#, #"3"#),
  (#"percentile_tdigest(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), 50, 'real')"#, #"2"#),
  (#"percentiles_array_tdigest(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), dynamic([0,50,100]))"#, #"[1,2,3]"#),
  (#"percentiles_array_tdigest(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), 50, 100)"#, #"[2,3]"#),
  (#"percentile_tdigest(tdigest_merge(dynamic({"tdigest":"long","min":1,"max":3,"exact":true,"means":[1,2,3],"weights":[1.0,2.0,1.0]}), dynamic({"tdigest":"long","min":9,"max":9,"exact":true,"means":[9],"weights":[5.0]})), 60)"#, #"9"#),
]
